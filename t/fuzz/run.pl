#!/usr/bin/perl
# Runs fuzz entry points that are built with libFuzzer, one after the other, each on a copy of its corpus.
#
#   run.pl --programs FOLDER --corpora FOLDER [--seconds N] [--keep] [NAME...]
#
# N seconds in all, divided evenly. NAME: only these. --keep: what finds its way to new places of the
# code is added to the corpora, as few and as small as will do. Exit status 0: no finding; the input of
# one stays in the folder of the programs.
use strict;
use warnings;
use File::Basename qw(basename);
use File::Copy qw(copy);
use File::Path qw(make_path remove_tree);
use Getopt::Long qw(GetOptions);
use List::Util qw(sum0);

my %option = (seconds => 60);
GetOptions(\%option, 'programs=s', 'corpora=s', 'seconds=i', 'keep')
    && $option{programs}
    && $option{corpora}
    && $option{seconds} > 0
    or die "usage: run.pl --programs FOLDER --corpora FOLDER [--seconds N] [--keep] [NAME...]\n";

sub copy_corpus {
    my ($from, $to) = @_;
    remove_tree($to);
    make_path($to);
    my @files = grep { -f } glob "$from/*";
    @files or die "no corpus in $from\n";
    for my $file (@files) {
        copy($file, "$to/" . basename($file)) or die "cannot copy $file: $!\n";
    }
}

# Runs a command; returns its status and what it wrote.
sub output_of {
    my (@command) = @_;
    my $pid = open(my $out, '-|') // die "cannot fork: $!\n";
    if (!$pid) {
        open(STDERR, '>&', \*STDOUT) or die "cannot redirect: $!\n";
        exec { $command[0] } @command or die "cannot run $command[0]: $!\n";
    }
    my @lines = <$out>;
    close $out;
    return ($?, @lines);
}

# Runs one for some seconds; returns its executions and whether it found nothing.
sub run {
    my ($name, $seconds) = @_;
    my ($program, $corpus) = ("$option{programs}/$name.test", "$option{programs}/corpus-$name");
    copy_corpus("$option{corpora}/$name", $corpus);
    my ($status, @lines) = output_of(
        $program, "-max_total_time=$seconds", '-timeout=10', '-print_final_stats=1',
        "-artifact_prefix=$option{programs}/finding-$name-", $corpus);
    my ($runs) = map { /^stat::number_of_executed_units:\s+(\d+)/ ? $1 : () } @lines;
    printf "%-16s %s: %s executions in %d s\n", $name, $status == 0 ? 'ok' : 'FINDING', $runs // 'no', $seconds;
    print @lines > 60 ? @lines[ -60 .. -1 ] : @lines if $status != 0;
    if ($status == 0 && $option{keep}) {
        ($status, @lines) = output_of($program, '-merge=1', '-use_counters=0', '-max_len=2048', "$option{corpora}/$name", $corpus);
        print @lines if $status != 0;
    }
    return ($runs // 0, $status == 0);
}

$| = 1;
my @names = @ARGV ? @ARGV : sort map { basename($_, '.test') } glob "$option{programs}/*.test";
@names or die "no program in $option{programs}\n";
my (@runs, @findings);
for my $name (@names) {
    my ($runs, $good) = run($name, int($option{seconds} / @names) || 1);
    push @runs, $runs;
    push @findings, $name if !$good;
}
printf "%d entry points, %d executions in all, findings: %s\n", scalar @names, sum0(@runs), "@findings" || 'none';
print "The inputs are $option{programs}/finding-*.\n" if @findings;
exit(@findings ? 1 : 0);
