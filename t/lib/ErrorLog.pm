package ErrorLog;

=head1 NAME

ErrorLog - what an httpd's error log should not say

=head1 SYNOPSIS

    my @lines = ErrorLog::unexpected($httpd->error_log, allow => [qr/VPNS0060/]);

=head2 unexpected(TEXT, allow => [qr/.../], is_restarted => BOOL)

The lines with a warning or worse, a crash or a report of a sanitizer, but for those that match one of allow
and what httpd says though all is well. is_restarted: it was restarted, not gracefully.

=cut

use strict;
use warnings;

my $UNEXPECTED = qr/\[\w*:(?:warn|error|crit|alert|emerg)\]|exit[ ]signal
    |AddressSanitizer|runtime[ ]error:|SUMMARY:/x;

my $KILLED_LATE = qr/AH00046: child process \d+ still did/;

my @ALWAYS = (
    # mpm_event says so of connections whose sockets are closed under its threads while a generation of
    # children ends: in process_lingering_close and when it closes a socket.
    qr/\(9\)Bad file descriptor: AH(?:03092|00468):/,
    # mod_ssl on a system whose OpenSSL is older than the one it was built with.
    qr/AH01882: Init: this version of mod_ssl was compiled against a newer library/,
    # At the start after a crash.
    qr/AH00098: pid file \S+ overwritten -- Unclean shutdown/,
    # A busy machine does not let a child end within three seconds; one that is stuck is killed.
    qr/AH00045: child process \d+ still did/,
    # valgrind looks for lost memory at the end of a process (t/valgrind.pl).
    $ENV{VPS_VALGRIND} ? ($KILLED_LATE, qr/VPNS0037: the monitor did not end/) : (),
);

# A child may wait for a request: httpd closes the connections of its threads from another thread (worker.c,
# event.c: close_worker_sockets), so that one which is just about to wait waits for nothing, until the child is
# killed.
my @AFTER_RESTART = ($KILLED_LATE);

# Crashes of children that httpd tells of when it has just ended all of them: mpm_event then closes the connections of
# its threads (close_worker_sockets), and may reach for one that its thread has just freed.
my $CRASHES_AT_END = qr/^(?:[^\n]*AH0005[0-2]:[^\n]*exit[ ]signal[^\n]*\n)+
    (?=[^\n]*(?:AH00096:|caught[ ]SIGTERM|SIGHUP[ ]received))/mx;

sub unexpected {
    my ($text, %option) = @_;
    $text =~ s/$CRASHES_AT_END//g;
    my @allowed = (@ALWAYS, $option{is_restarted} ? @AFTER_RESTART : (), @{ $option{allow} // [] });
    my @found = grep { /$UNEXPECTED/ } split /^/, $text;
    for my $allowed (@allowed) {
        @found = grep { !/$allowed/ } @found;
    }
    return @found;
}

1;
