# The beginning of a long run (make check-endurance): every transition is announced exactly once.
use strict;
use warnings;

use Test::More;

use Endurance;

Endurance->own_mounts;

my $SEED = 20277427;
my $ROUNDS = 5;    # a child dies in a change, the disk is full, the clock steps, everything is killed, ...

my $endurance = Endurance->new(seed => $SEED, tell => sub { note $_[0] });
my $result = $endurance->run($ROUNDS);
is(join("\n", @{ $result->{faults} }), '', "seed $SEED: the ledger is even");
cmp_ok($result->{events}, '>', $ROUNDS, 'things happened');
cmp_ok($result->{load}{taken}, '>', $ROUNDS, 'under load');
diag("$result->{events} events, $result->{messages} messages, $result->{doubled} came twice");
$endurance->httpd->check_error_log(
    allow => [ qr/VPNS\d+: the monitor/, qr/VPNS\d+: the store/, qr/exit signal Killed/,
        qr/children are killed successively/ ]);

done_testing;
