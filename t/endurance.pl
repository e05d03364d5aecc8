#!/usr/bin/perl
# The long run of faults: endurance.pl [--rounds N] [--seed S]
#
# The same seed draws the same faults and changes again; it is printed first.
use strict;
use warnings;

use Getopt::Long qw(GetOptions);

use Endurance;

my %option = (rounds => 200, seed => time);
GetOptions(\%option, 'rounds=i', 'seed=i') or die "usage: endurance.pl [--rounds N] [--seed S]\n";

$| = 1;
binmode STDOUT, ':encoding(UTF-8)';
print "seed $option{seed}, $option{rounds} rounds\n";
my $result =
    Endurance->new(seed => $option{seed}, tell => sub { print "$_[0]\n" })->run($option{rounds});

print "\nfaults:\n";
printf "  %4d  %s\n", $result->{per_fault}{$_}, $_ for sort keys %{ $result->{per_fault} };
print "announced: $result->{events} events, $result->{messages} messages; "
    . "excused: $result->{doubled} came twice, $result->{reordered} before an earlier one\n";
print "WRONG: $_\n" for @{ $result->{faults} };
print @{ $result->{faults} } ? "seed $option{seed} fails\n"
    : "every transition was announced exactly once\n";
exit(@{ $result->{faults} } ? 1 : 0);
