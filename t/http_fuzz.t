# The beginning of "make fuzz-http": whole requests, nearly right; the server stays what it is.
use strict;
use warnings;

use Test::More;

use HttpFuzz;

my $SEED = 20261122;
my $CONNECTIONS = 300;

my $fuzz = HttpFuzz->new(seed => $SEED);
$fuzz->run(connections => $CONNECTIONS);
$fuzz->finish;
is(join("\n", $fuzz->faults), '', "seed $SEED: nothing is wrong");
my $answers = $fuzz->answers;
cmp_ok($answers->{$_} // 0, '>', 10, "there were answers of status $_") for 200, 400, 404;

done_testing;
