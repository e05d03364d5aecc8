# What the user sees when the server was away.
use strict;
use warnings;

use Test::More;

use Lab;

BEGIN { Lab->enter }

use Lab::Scenarios;
use Lab::Stage;

my $stage = Lab::Stage->new;
$stage->play($_, 'wireguard') for @SERVER;
$stage->end;
done_testing;
