package Wrk;

=head1 NAME

Wrk - keepalives by wrk, for the benchmarks

=head1 SYNOPSIS

    my $wrk = Wrk->new(httpd => $httpd, key => 'secret');
    $wrk->fill(10_000);
    my $result = $wrk->round(path => '/api/v1/keepalive', clients => 10_000);
    print "$result->{rate} a second\n";

=head2 round(...)

One round of keepalives of c-1, c-2 … in turn. path, clients; first (the client to begin with, 1),
seconds (1), pause (ms between two requests of one of the 16 connections, 0), changing (true = each
says something else than the one before). Returns requests, seconds, rate, p99_ms; dies when a
request was refused or broken.

=cut

use strict;
use warnings;

use File::Basename qw(dirname);
use JSON::PP qw(decode_json);

our $CONNECTIONS = 16;
my $SCRIPT = dirname(__FILE__) . '/../bench/keepalive.lua';

# The configuration of an httpd that has both the API and the trivial handler, at /trivial.
sub conf {
    my ($key) = @_;
    my $build_dir = $ENV{VPS_BUILDDIR} // die "VPS_BUILDDIR is not set: run make bench\n";
    return <<"CONF";
LoadModule trivial_module "$build_dir/t/bench/.libs/mod_trivial.so"
StartServers 2
ThreadsPerChild 32
MinSpareThreads 32
MaxSpareThreads 64
MaxRequestWorkers 64
MaxKeepAliveRequests 0
VPNSentinelAPI /api/v1
VPNSentinelAPIKey $key
VPNSentinelRateLimit 0
VPNSentinelMaxClients 200000
VPNSentinelLog none
<Location "/trivial">
    SetHandler trivial
</Location>
CONF
}

sub new {
    my ($class, %self) = @_;
    $class->version // die "wrk is missing: install the package wrk\n";
    return bless \%self, $class;
}

sub version {
    my ($version) = (`wrk --version 2>&1` // '') =~ /^wrk (?:debian\/)?(\S+)/;
    return $version;
}

sub round {
    my ($self, %option) = @_;
    my $seconds = $option{seconds} // 1;
    open(my $output, '-|', 'wrk', '--threads', 1, '--connections', $CONNECTIONS,
        '--duration', "${seconds}s", '--script', $SCRIPT, $self->{httpd}->url($option{path}),
        '--', $self->{key}, $option{clients}, $option{first} // 1, $option{pause} // 0,
        $option{changing} ? 1 : 0) or die "wrk: $!\n";
    my @line = <$output>;
    close $output or die "wrk has failed:\n@line";
    my $result = decode_json($line[-1]);
    if ($result->{refused} || $result->{broken}) {
        die "$option{path}: $result->{refused} requests were refused, $result->{broken} broken\n"
            . $self->{httpd}->error_log;
    }
    $result->{rate} = $result->{requests} / $result->{seconds};
    return $result;
}

# Sends keepalives until the registry holds so many clients.
sub fill {
    my ($self, $clients) = @_;
    while ((my $total = $self->clients) < $clients) {
        $self->round(path => '/api/v1/keepalive', clients => $clients, first => $total + 1);
        die "the registry stays at $total clients\n" if $self->clients <= $total;
    }
}

# The API's status.
sub status {
    my ($self) = @_;
    my ($status, $body) = $self->{httpd}->json('GET', '/api/v1/status',
        { headers => { 'X-API-Key' => $self->{key} } });
    die "status answers $status\n" if $status != 200;
    return $body;
}

sub clients {
    my ($self) = @_;
    return $self->status->{clients}{total};
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return $sorted[ $#sorted / 2 ];
}

1;
