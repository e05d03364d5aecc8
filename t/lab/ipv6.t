# What the user sees when IPv6 goes another way than the tunnel, or is all there is.
use strict;
use warnings;

use Test::More;

use Lab;

BEGIN { Lab->enter }

use Lab::Scenarios;
use Lab::Stage;

my $stage = Lab::Stage->new;
for my $scenario (@IPV6) {
    $stage->play($scenario, $_) for Lab->kinds;
}
$stage->end;
done_testing;
