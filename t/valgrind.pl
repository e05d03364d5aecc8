#!/usr/bin/perl
# Runs tests with valgrind's memcheck: those of t/unit/ and t/fuzz/ themselves, and with the Perl ones httpd,
# the daemon and the command line.
#
#   valgrind.pl [--jobs N] TEST...
#
# Exit status 0: all tests pass, memcheck saw no error in any process, and no memory of a program is lost for good.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Getopt::Long qw(GetOptions);
use TAP::Harness;

my %option = (jobs => 2);
GetOptions(\%option, 'jobs=i') && @ARGV or die "usage: valgrind.pl [--jobs N] TEST...\n";
my ($source, $build, $httpd) = @ENV{qw(VPS_SRCDIR VPS_BUILDDIR VPS_HTTPD)};
defined $source && defined $build && defined $httpd or die "make check-valgrind runs it\n";

if (system('valgrind --version >/dev/null 2>&1') != 0) {
    print "skipped: there is no valgrind\n";
    exit 0;
}

# A view of the build folder in which the programs run with valgrind. Children that have given up root's
# rights write there, too.
my $view = tempdir('vpnsentinel-valgrind-XXXXXX', TMPDIR => 1, CLEANUP => 1);
make_path("$view/logs", "$view/t/tmp", "$view/client", "$view/ctl");
chmod 0755, $view, "$view/t", "$view/t/tmp", "$view/client", "$view/ctl";
chmod 01777, "$view/logs";

# What is loaded and unloaded keeps its names in reports; a process that is killed says nothing.
sub valgrind {
    my ($name) = @_;
    return ('valgrind', '-q', '--keep-debuginfo=yes', '--num-callers=30', "--log-file=$view/logs/$name.%p",
        '--suppressions=' . abs_path("$source/t/valgrind.supp"));
}

# Of programs, not of tests that fork and end where they are: those are LeakSanitizer's in check-sanitize.
my @LEAKS = qw(--leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite);

sub write_wrapper {
    my ($path, $program, @condition) = @_;
    my $name = $path =~ s{.*/}{}r;
    open my $out, '>', "$view/$path" or die "$path: $!\n";
    print {$out} "#!/bin/sh\n", @condition, "exec @{[valgrind($name), @LEAKS]} '$program' \"\$@\"\n";
    close $out or die "$path: $!\n";
    chmod 0755, "$view/$path";
}

sub link_rest {
    my ($folder) = @_;
    for my $path (grep { !-e "$view/$folder/" . s{.*/}{}r } glob "$build/$folder/* $build/$folder/.libs") {
        symlink abs_path($path), "$view/$folder/" . $path =~ s{.*/}{}r or die "$path: $!\n";
    }
}

# httpd is also asked what is linked into it.
write_wrapper('httpd', $httpd, qq(test "\$1" = -l && exec '$httpd' -l\n));
write_wrapper($_, "$build/$_") for 'client/vpn-sentinel-client', 'ctl/vpn-sentinel-ctl';
link_rest($_) for qw(client ctl t);
symlink abs_path("$build/$_"), "$view/$_" for qw(mod_vpnsentinel conf Makefile);

my $failed = 0;
$ENV{CMOCKA_MESSAGE_OUTPUT} = 'TAP';
# One steps through a child's instructions, which would be valgrind's, millions of them.
my @compiled = grep { /\.test$/ && !/ratelimit_kill/ } @ARGV;
my @perl = map { -e $_ ? $_ : "$source/$_" } grep { !/\.test$/ } @ARGV;
my %common = (jobs => $option{jobs}, verbosity => 0);
my @run = (
    [ \@compiled, exec => sub { [ valgrind($_[1] =~ s{.*/}{}r), $_[1] ] } ],
    [ \@perl, lib => ["$source/t/lib"] ],
);
for (@run) {
    my ($tests, %how) = @$_;
    next if !@$tests;
    local @ENV{qw(VPS_BUILDDIR VPS_HTTPD VPS_VALGRIND)} = ($view, "$view/httpd", 1) if $tests == \@perl;
    my $result = TAP::Harness->new({ %common, %how })->runtests(@$tests);
    $failed ||= !$result->all_passed;
}

# --- what valgrind has said -----------------------------------------------------------------------

my @logs = glob "$view/logs/*";
my @reports = grep { -s } @logs;
for my $path (@reports) {
    open my $in, '<', $path or die "$path: $!\n";
    print "--- $path\n", <$in>;
    close $in;
}
printf "%d processes with valgrind, %d with a report\n", scalar @logs, scalar @reports;
exit($failed || @reports ? 1 : 0);
