# What the user sees when names, or IPv6, go another way than the tunnel, or seem to.
use strict;
use warnings;

use Test::More;

use Lab;

BEGIN { Lab->enter }

use Lab::Scenarios;
use Lab::Stage;

my $stage = Lab::Stage->new;
$stage->play($_, 'wireguard') for @DNS, @IPV6;
$stage->end;
done_testing;
