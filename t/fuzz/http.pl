#!/usr/bin/perl
# Whole requests, nearly right, against a real httpd: http.pl [--seconds N] [--seed S] [--first N --connections N]
#
# A fault is told with the seed and the number of its connection: --seed S --first NUMBER --connections 1
# does it again.
use strict;
use warnings;

use Getopt::Long qw(GetOptions);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use HttpFuzz;

my %option = (seconds => 60, seed => time);
GetOptions(\%option, 'seconds=i', 'seed=i', 'first=i', 'connections=i') && !@ARGV
    or die "usage: http.pl [--seconds N] [--seed S] [--first N] [--connections N]\n";

$| = 1;
print "seed $option{seed}\n";
my $fuzz = HttpFuzz->new(seed => $option{seed});
my $end = clock_gettime(CLOCK_MONOTONIC) + $option{seconds};
$fuzz->run(
    first => $option{first},
    connections => $option{connections},
    until => sub { !$option{connections} && clock_gettime(CLOCK_MONOTONIC) >= $end });
$fuzz->finish;

my $answers = $fuzz->answers;
printf "%d requests, answers: %s\n", $fuzz->requests, join ', ', map { "$answers->{$_} of $_" } sort keys %$answers;
print "WRONG: $_\n" for $fuzz->faults;
exit($fuzz->faults ? 1 : 0);
