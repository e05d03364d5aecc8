# What endurance runs take for growth: leaks as small as they are, and no noise.
use strict;
use warnings;

use Test::More;

use Endurance::Growth;

my $ROUNDS = 250;
my $LIFE = 15;       # rounds that a parent lives for
my $RELOADS = 3;     # in a round

# The looks of a run: what a server holds that leaks nothing, with noise, and more of it by the round, or by
# the reload of its life.
sub looks {
    my ($name, $by_round, $by_reload) = @_;
    srand 7;
    my @phase = map { rand } 0 .. $ROUNDS / $LIFE;
    return map {
        my $reloads = $_ % $LIFE * $RELOADS;
        my %look = (
            life => int $_ / $LIFE,
            reloads => $reloads,
            parent_memory => 1970 + 4 * int rand 3,
            parent_descriptors => 11,
            parent_mappings => 258,
            shared_memory => 83_920,
            monitor_memory => 2550 + rand 600,
            monitor_descriptors => 15 + int rand 2,
            child_memory => 2700 + rand 900,
            child_descriptors => 14 + int rand 3,
            processes => 4,
            files => 3,
            store => 544 + 8 * int rand 3,
            log_of_store => rand 2000,
        );
        $look{$name} += int($by_round * $_ + 1e-9) + int($by_reload * $reloads + $phase[ $_ / $LIFE ]) if defined $name;
        \%look;
    } 0 .. $ROUNDS - 1;
}

# The faults found in some looks.
sub faults {
    my (@looks) = @_;
    my $growth = Endurance::Growth->new(undef, undef);
    $growth->{looks} = \@looks;
    return map { $_->{fault} // () } $growth->verdicts;
}

is_deeply([ faults(looks()) ], [], 'nothing leaks');
my @table = (
    [ 'parent_memory', 0, 0.8, qr/^parent memory grows by .* with each reload/, '8 KiB, one reload in ten' ],
    [ 'parent_descriptors', 0, 0.05, qr/^parent descriptors grows by/, 'one reload in twenty' ],
    [ 'parent_mappings', 0, 0.1, qr/^parent mappings grows by/, 'one reload in ten' ],
    [ 'shared_memory', 0.1, 0, qr/^shared memory grows from/, 'by the round' ],
    [ 'monitor_descriptors', 0.02, 0, qr/^monitor descriptors grows from/, 'one round in fifty' ],
    [ 'monitor_memory', 8, 0, qr/^monitor memory grows from/, '8 KiB a round' ],
    [ 'child_memory', 8, 0, qr/^child memory grows from/, '8 KiB a round' ],
    [ 'child_descriptors', 0.05, 0, qr/^child descriptors grows from/, 'one round in twenty' ],
    [ 'files', 0.02, 0, qr/^files grows from/, 'one round in fifty' ],
    [ 'processes', 0.02, 0, qr/^processes grows from/, 'one round in fifty' ],
    [ 'store', 1, 0, qr/^store grows from/, '1 KiB a round' ],
);
for (@table) {
    my ($name, $by_round, $by_reload, $fault, $words) = @$_;
    my @fault = faults(looks($name, $by_round, $by_reload));
    is(scalar @fault, 1, "$name: $words") or diag explain \@fault;
    like($fault[0] // '', $fault, '... is told');
}
my @few = looks('files', 1, 0);
is_deeply([ faults(@few[ 0 .. 49 ]) ], [], 'few looks are no base for a judgement');

done_testing;
