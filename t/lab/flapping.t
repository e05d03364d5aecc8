# What the user sees of a tunnel that is down and up again all the time.
use strict;
use warnings;

use Test::More;

use Lab;

BEGIN { Lab->enter }

use Lab::Scenarios;
use Lab::Stage;

my $stage = Lab::Stage->new;
for my $scenario (Lab->has_time ? @FLAPPING : $FLAPPING[0]) {
    $stage->play($scenario, $_) for Lab->kinds;
}
$stage->end;
done_testing;
