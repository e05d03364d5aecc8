# What the user sees when time is not what it was.
use strict;
use warnings;

use Test::More;

use Lab;

BEGIN { Lab->enter }

use Lab::Scenarios;
use Lab::Stage;

my $stage = Lab::Stage->new;
$stage->play($_, 'wireguard') for @MACHINE;
$stage->end;
done_testing;
