# What the user sees when the server ends in the middle of trouble: nothing that is not so.
use strict;
use warnings;

use Test::More;

use Lab;

BEGIN { Lab->enter }

use Lab::Scenarios;
use Lab::Stage;

my $stage = Lab::Stage->new;
$stage->play($_, 'wireguard') for Lab->has_time ? @RESTARTS : @SOME_RESTARTS;
$stage->end;
done_testing;
