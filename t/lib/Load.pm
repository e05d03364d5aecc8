package Load;

=head1 NAME

Load - keepalives of one client from a process of its own

=head1 SYNOPSIS

    my $load = Load->start($httpd, 'office', 'key');
    ...
    my ($acknowledged, $failed) = $load->stop;

Each keepalive is sent on a new connection, the next one when the answer is there.

=cut

use strict;
use warnings;

use POSIX ();

sub start {
    my ($class, $httpd, $id, $key) = @_;
    my ($end, $acknowledged, $failed) = (0, 0, 0);
    # Before the fork: who is told to stop at once has to say what it did, too.
    local $SIG{TERM} = sub { $end = 1 };
    my $pid = open(my $pipe, '-|') // die "fork: $!";
    return bless { pid => $pid, pipe => $pipe }, $class if $pid;
    do {
        my $answer = $httpd->request('POST', '/api/v1/keepalive',
            { headers => { 'X-API-Key' => $key }, content => { client_id => $id } });
        $answer->{status} == 200 ? $acknowledged++ : $failed++;
    } until $end;
    print "$acknowledged $failed\n";
    close STDOUT;
    POSIX::_exit(0);
}

sub stop {
    my ($self) = @_;
    kill 'TERM', $self->{pid};
    my $line = readline $self->{pipe};
    close $self->{pipe};
    return split ' ', $line;
}

1;
