# What the user sees when names go another way than the tunnel, or seem to.
use strict;
use warnings;

use Test::More;

use Lab;

BEGIN { Lab->enter }

use Lab::Scenarios;
use Lab::Stage;

my $stage = Lab::Stage->new;
for my $scenario (@DNS) {
    $stage->play($scenario, $_) for Lab->kinds;
}
$stage->end;
done_testing;
