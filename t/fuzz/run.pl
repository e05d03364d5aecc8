#!/usr/bin/perl
# Builds every t/fuzz/fuzz_*.c with libFuzzer and the sanitizers and runs each on a copy of its
# corpus.
#
#   run.pl --cc CLANG --seconds N --srcdir S --builddir B      N seconds in all
#
# Exit status 0: no finding. The input of a finding stays below B/t/tmp.
use strict;
use warnings;
use File::Basename qw(basename);
use File::Copy qw(copy);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use Getopt::Long qw(GetOptions);

my %option = (cc => 'clang', seconds => 60, srcdir => '.', builddir => '.');
GetOptions(\%option, 'cc=s', 'seconds=i', 'srcdir=s', 'builddir=s')
    && !@ARGV && $option{seconds} > 0
    or die "usage: run.pl [--cc CLANG] [--seconds N] [--srcdir S] [--builddir B]\n";

# What the compiler needs for json-c.
sub json_c_flags {
    chomp(my $flags = qx(pkg-config --cflags --libs json-c));
    $? == 0 or die "pkg-config does not know json-c\n";
    return split ' ', $flags;
}

# What a fuzzer needs besides shared/.
my %more_sources = (
    accept => [qw(mod_vpnsentinel/accept.c)],
    command => [qw(mod_vpnsentinel/command.c)],
    config_file => [qw(client/config_file.c)],
    ctl_list => [ map { "ctl/$_.c" } qw(api_json event light moment row split text) ],
    event_detail => [ map { "mod_vpnsentinel/$_.c" } qw(assess event message text) ],
    telegram => [ map { "mod_vpnsentinel/$_.c" } qw(secret telegram telegram_json) ],
    telegram_update => [ map { "mod_vpnsentinel/$_.c" } qw(telegram_json telegram_update) ],
);

sub more_sources {
    my ($source) = @_;
    my ($name) = basename($source) =~ /^fuzz_(.*)\.c$/;
    return map { "$option{srcdir}/$_" } @{ $more_sources{$name} // [] };
}

# All of shared/ but what needs libcurl.
sub shared_sources {
    return grep { basename($_) ne 'http.c' } glob "$option{srcdir}/shared/*.c";
}

# Where headers are: names are unique within a product only.
sub folders {
    my ($source) = @_;
    return basename($source) =~ /^fuzz_ctl_/ ? qw(ctl shared) : qw(shared mod_vpnsentinel client);
}

sub build {
    my ($source, $program) = @_;
    my @command = (
        split(' ', $option{cc}), '-std=gnu11', '-D_GNU_SOURCE', '-g', '-O1',
        '-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=undefined',
        (map { "-I$option{srcdir}/$_" } folders($source)), '-o', $program, $source,
        more_sources($source),
        shared_sources(), json_c_flags());
    system(@command) == 0 or die "cannot build $source\n";
}

sub copy_corpus {
    my ($from, $to) = @_;
    make_path($to);
    my @files = grep { -f } glob "$from/*";
    @files or die "no corpus in $from\n";
    for my $file (@files) {
        copy($file, "$to/" . basename($file)) or die "cannot copy $file: $!\n";
    }
}

# Runs one fuzzer; returns whether it found nothing.
sub run {
    my ($name, $folder, $seconds) = @_;
    my @command = (
        "$folder/$name", "-max_total_time=$seconds", '-timeout=10', '-print_final_stats=1',
        "-artifact_prefix=$folder/$name-", "$folder/corpus-$name");
    my $log = "$folder/$name.log";
    my $status = system('sh', '-c', 'exec "$@" >"$0" 2>&1', $log, @command);
    open my $in, '<', $log or die "cannot read $log: $!\n";
    my @lines = <$in>;
    close $in;
    my ($runs) = map { /^stat::number_of_executed_units:\s+(\d+)/ ? $1 : () } @lines;
    printf "%-15s %s: %s executions in %d s\n",
        $name, $status == 0 ? 'ok' : 'FINDING', $runs // 'no', $seconds;
    print @lines > 60 ? @lines[-60 .. -1] : @lines if $status != 0;
    return $status == 0;
}

my @sources = glob "$option{srcdir}/t/fuzz/fuzz_*.c";
@sources or die "no fuzz_*.c in $option{srcdir}/t/fuzz\n";
my $seconds = int($option{seconds} / @sources) || 1;
make_path("$option{builddir}/t/tmp");
my $folder = tempdir('fuzz.XXXXXX', DIR => "$option{builddir}/t/tmp");
my $findings = 0;
for my $source (@sources) {
    my ($name) = basename($source) =~ /^fuzz_(.*)\.c$/;
    build($source, "$folder/$name");
    copy_corpus("$option{srcdir}/t/fuzz/corpus/$name", "$folder/corpus-$name");
    $findings++ if !run($name, $folder, $seconds);
}
if ($findings) {
    print "The inputs are in $folder.\n";
    exit 1;
}
remove_tree($folder);
