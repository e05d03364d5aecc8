#!/usr/bin/perl
# The long run of faults: endurance.pl [--rounds N] [--seed S] [--only TEXT]
#
# The same seed draws the same faults and changes again; it is printed first.
use strict;
use warnings;

use Getopt::Long qw(GetOptions);

use Endurance;

Endurance->own_mounts;

my $USAGE = "usage: endurance.pl [--rounds N] [--seed S] [--only TEXT]\n";
my %option = (rounds => 200, seed => time);
GetOptions(\%option, 'rounds=i', 'seed=i', 'only=s') or die $USAGE;

sub number {
    my ($number, $unit) = @_;
    return defined $number ? sprintf('%.*f', $number == int $number ? 0 : 2, $number) . ($unit ? " $unit" : '') : '';
}

# " (3 answer lost, 1 monitor ended)"
sub reasons {
    my ($reasons) = @_;
    return %$reasons ? ' (' . join(', ', map { "$reasons->{$_} $_" } sort keys %$reasons) . ')' : '';
}

$| = 1;
binmode STDOUT, ':encoding(UTF-8)';
my ($rounds, $seed) = @option{qw(rounds seed)};
print "seed $seed, $rounds rounds\n";
my $begin = time;
my $endurance =
    Endurance->new(seed => $seed, only => $option{only} // '', tell => sub { print "$_[0]\n" });
my $result = $endurance->run($rounds);
my $load = $result->{load};

print "\n| fault | rounds |\n|---|---|\n";
print "| $_ | $result->{per_fault}{$_} |\n" for sort keys %{ $result->{per_fault} };
print "\n| what | number |\n|---|---|\n";
print "| $_->[0] | $_->[1] |\n" for
    [ 'seconds', time - $begin ],
    [ 'reloads', $result->{all_reloads} ],
    [ 'steps of the clock', $result->{steps} ],
    [ 'times that the store failed for want of room', $result->{full} ],
    [ 'keepalives acknowledged', $load->{taken} ],
    [ '... and not counted', $load->{forgotten} ],
    [ 'answers that were not 200', $load->{other} + $load->{stuck} ],
    [ 'connections cut by kill, restart or stop', $load->{cut} ],
    [ 'connections refused while httpd was stopped', $load->{refused} ],
    [ 'events', $result->{events} ],
    [ 'messages to Telegram', $result->{messages} ],
    [ 'alerts told twice', $result->{doubled} . reasons($result->{reasons}) ],
    [ 'alerts told before an earlier one', $result->{reordered} ],
    [ 'posts to webhooks', $result->{hooked} ],
    [ 'posts that came twice', $result->{hook_doubled} . reasons($result->{hook_reasons}) ];
print "\n| held by | second quarter | last quarter | most | by reload |\n|---|---|---|---|---|\n";
for my $growth (@{ $result->{growth} }) {
    my ($name, $unit, $by_reload) = @$growth{qw(name unit by_reload)};
    print '| ' . join(' | ', $name, (map { number($growth->{$_}, $unit) } qw(from to most)),
        defined $by_reload ? sprintf('%+.4f', $by_reload) . ($unit ? " $unit" : '') : '') . " |\n";
}
print "\n";
my @fault = @{ $result->{faults} };
$ENV{VPS_KEEP} = 1 if @fault;    # so that the logs can be read
print "WRONG: $_\n" for @fault > 40 ? (@fault[ 0 .. 39 ], '... and more: ' . (@fault - 40)) : @fault;
print @{ $result->{faults} } ? "seed $seed fails\n" : "every transition was announced exactly once\n";
exit(@{ $result->{faults} } ? 1 : 0);
