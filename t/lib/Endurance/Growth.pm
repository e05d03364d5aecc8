package Endurance::Growth;

=head1 NAME

Endurance::Growth - what a server holds, looked at again and again: does it grow?

=head1 SYNOPSIS

    my $growth = Endurance::Growth->new($httpd, $state_folder);
    $growth->look($reloads) for ...;    # reloads: in the life of this parent process
    print map { "$_->{name}: $_->{from} to $_->{to}\n" } $growth->verdicts;

=head1 DESCRIPTION

look() takes all measures, when nothing is going on. verdicts() compares them, after many looks:

Over the run: the median of the second quarter of all looks with that of the last one. What leaks a
unit in each round has grown by half as many units as there were rounds then.

By reload: the parent process outlives these, not a stop or a crash. Within each life of a parent, what
its memory gains with each reload, beyond the first ones, all lives together.

Each verdict is a hash of name, unit, from, to, by_reload (undef where nothing is to be told), and
fault: undef, or a sentence.

=cut

use strict;
use warnings;

use List::Util qw(max sum0);

my $LOOKS_MIN = 60;     # below that nothing is judged
my $WARM_UP = 6;        # reloads in the life of a parent that do not count
my $SPREAD_MIN = 500;   # of reloads, squared: below that there is no slope

# Name; unit; how much the median may grow over the run; how much, of the parent's, by reload. A leak that
# the smallest of pools makes, 8 KiB, at each tenth reload, is seen; so is one descriptor at each
# twentieth.
my @MEASURE = (
    [ 'parent_memory', 'KiB', 256, 0.4 ],
    [ 'parent_descriptors', '', 0, 0.01 ],
    [ 'parent_mappings', '', 8, 0.05 ],
    [ 'shared_memory', 'KiB', 0, 0.01 ],
    [ 'monitor_memory', 'KiB', 512 ],
    [ 'monitor_descriptors', '', 1 ],
    [ 'child_memory', 'KiB', 512 ],
    [ 'child_descriptors', '', 2 ],
    [ 'processes', '', 1 ],
    [ 'files', '', 0 ],
    [ 'store', 'KiB', 64 ],
    [ 'log_of_store', 'KiB', 2048 ],
);

sub new {
    my ($class, $httpd, $folder) = @_;
    return bless { httpd => $httpd, folder => $folder, looks => [] }, $class;
}

sub look {
    my ($self, $reloads) = @_;
    my $httpd = $self->{httpd};
    my ($parent, $monitor, @child) = ($httpd->pid, ($httpd->monitors)[0], $httpd->children);
    return if !$parent || !$monitor || !@child;
    push @{ $self->{looks} }, {
        life => $parent,
        reloads => $reloads,
        parent_memory => _memory($parent),
        parent_descriptors => _descriptors($parent),
        parent_mappings => scalar(my @mapping = _mappings($parent)),
        shared_memory => _shared($parent),
        monitor_memory => _memory($monitor),
        monitor_descriptors => _descriptors($monitor),
        child_memory => max(map { _memory($_) } @child),
        child_descriptors => max(map { _descriptors($_) } @child),
        processes => 2 + @child + $httpd->zombies,
        files => scalar(my @file = _files($httpd->root . '/run', $self->{folder})),
        store => _kib("$self->{folder}/vpnsentinel.db"),
        log_of_store => _kib("$self->{folder}/vpnsentinel.db-wal"),
    };
    return;
}

# Memory of its own that is no file: KiB.
sub _memory {
    my ($pid) = @_;
    open(my $file, '<', "/proc/$pid/status") or return 0;
    return sum0(map { /^RssAnon:\s+(\d+)/ } <$file>);
}

sub _descriptors {
    my ($pid) = @_;
    return scalar(my @fd = glob "/proc/$pid/fd/*");
}

sub _mappings {
    my ($pid) = @_;
    open(my $file, '<', "/proc/$pid/maps") or return;
    return <$file>;
}

# What it shares with others and is no file's, of whatever kind: KiB.
sub _shared {
    my ($pid) = @_;
    no warnings 'portable';    # numbers of 64 bits
    my $shared = qr{^([0-9a-f]+)-([0-9a-f]+) ...s .*/(?:dev/zero|dev/shm|SYSV)};
    return sum0(map { $_ =~ $shared ? (hex($2) - hex($1)) / 1024 : () } _mappings($pid));
}

sub _files {
    return map { glob "$_/*" } @_;
}

sub _kib {
    return sum0(map { (-s $_ // 0) / 1024 } @_);
}

sub verdicts {
    my ($self) = @_;
    return map { $self->_verdict(@$_) } @MEASURE;
}

sub _verdict {
    my ($self, $name, $unit, $most, $most_by_reload) = @_;
    my @value = map { $_->{$name} } @{ $self->{looks} };
    my $quarter = int @value / 4;
    my %verdict = (name => $name =~ tr/_/ /r, unit => $unit);
    return \%verdict if $quarter < 1;
    $verdict{from} = _median(@value[ $quarter .. 2 * $quarter - 1 ]);
    $verdict{to} = _median(@value[ $#value - $quarter + 1 .. $#value ]);
    $verdict{most} = max(@value);
    $verdict{by_reload} = $self->_slope($name) if defined $most_by_reload;
    return \%verdict if @value < $LOOKS_MIN;
    if ($verdict{to} - $verdict{from} > $most) {
        $verdict{fault} = "$verdict{name} grows from $verdict{from} to $verdict{to} $unit";
    } elsif (($verdict{by_reload} // 0) > ($most_by_reload // 0)) {
        $verdict{fault} = "$verdict{name} grows by $verdict{by_reload} $unit with each reload";
    }
    return \%verdict;
}

sub _median {
    my @sorted = sort { $a <=> $b } @_;
    return $sorted[ @sorted / 2 ];
}

# Least squares, each life with a level of its own. undef when there were too few reloads in all lives.
sub _slope {
    my ($self, $name) = @_;
    my (%of_life, $over, $under);
    push @{ $of_life{ $_->{life} } }, $_ for grep { $_->{reloads} >= $WARM_UP } @{ $self->{looks} };
    ($over, $under) = (0, 0);
    for my $looks (values %of_life) {
        my ($x, $y) = map {
            my $member = $_;
            sum0(map { $_->{$member} } @$looks) / @$looks;
        } 'reloads', $name;
        $over += ($_->{reloads} - $x) * ($_->{$name} - $y) for @$looks;
        $under += ($_->{reloads} - $x)**2 for @$looks;
    }
    return $under < $SPREAD_MIN ? undef : $over / $under;
}

1;
