# What the tests take offence at in an error log: t/lib/ErrorLog.pm.
use strict;
use warnings;

use Test::More;

# Or it would be allowed.
BEGIN { delete $ENV{VPS_VALGRIND} }
use ErrorLog;

my $KILLED = "[Sun Nov 29 15:39:02 2026] [core:error] [pid 1:tid 1] AH00046: child process 2 still did not exit\n";
my $SLOW = $KILLED =~ s/core:error/core:warn/r =~ s/AH00046/AH00045/r;

for my $line ('[Sun] [core:warn] a', '[Sun] [:error] VPNS0060: b', '[Sun] [ssl:crit] c', '[Sun] [a:alert] d', '[Sun] [a:emerg] e',
    '[Sun] [core:notice] AH00052: child pid 3 exit signal Segmentation fault (11)', '==1==ERROR: AddressSanitizer: f',
    'a.c:1:2: runtime error: g', 'SUMMARY: h') {
    is_deeply([ ErrorLog::unexpected("[Sun] [core:notice] well\n$line\n") ], ["$line\n"], $line);
}
is_deeply([ ErrorLog::unexpected("[Sun] [core:notice] a\n[Sun] [b:info] c\nd\n") ], [], 'what is in order');
is_deeply([ ErrorLog::unexpected("[a:warn] one\n[a:warn] two\n[a:warn] three\n", allow => [qr/one/, qr/three/]) ],
    ["[a:warn] two\n"], 'but for what is allowed');
is_deeply([ ErrorLog::unexpected($SLOW) ], [], 'a child that ends late');

is_deeply([ ErrorLog::unexpected($KILLED) ], [$KILLED], 'one that has to be killed');
is_deeply([ ErrorLog::unexpected("$KILLED$SLOW", is_restarted => 1) ], [], '... not after a restart');

my $crash = "[Sun] [core:notice] [pid 1:tid 1] AH00052: child pid 3 exit signal Segmentation fault (11)\n";
my $end = "[Sun] [mpm_event:notice] [pid 1:tid 1] AH00491: caught SIGTERM, shutting down\n";
is_deeply([ ErrorLog::unexpected("$crash$crash$end") ], [], 'crashes of children that have just been ended');
is_deeply([ ErrorLog::unexpected("${crash}[Sun] [core:info] a\n$end") ], [$crash], '... not any before');

done_testing;
