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
step (to the next, 1), seconds (1), pause (ms between two requests of one of the 16 connections, 0),
changing (true = each says something else than the one before), addresses (true = each client comes
through a proxy, with an address of its own), scheme (http), port (its index, 0). Returns requests,
seconds, rate, p99_ms; dies when a request was refused or broken.

=head2 conf(KEY, MORE)

The configuration of an httpd that has both the API and the trivial handler: at /trivial, which stands
for no file, and at /usual, for which httpd looks for one, as for most handlers; what MORE sets
is not set otherwise.

=cut

use strict;
use warnings;

use File::Basename qw(dirname);
use JSON::PP qw(decode_json);
use List::Util qw(max sum0);
use Time::HiRes qw(sleep time);

our $CONNECTIONS = 16;
my $WAIT = 120;    # sec, for anything
my $SCRIPT = dirname(__FILE__) . '/../bench/keepalive.lua';

sub conf {
    my ($key, $more) = @_;
    my $build_dir = $ENV{VPS_BUILDDIR} // die "VPS_BUILDDIR is not set: run make bench\n";
    my $processes = <<'CONF';
<IfModule mpm_prefork_module>
    StartServers 32
    MinSpareServers 32
    MaxSpareServers 64
</IfModule>
<IfModule !mpm_prefork_module>
    StartServers 2
    ThreadsPerChild 32
    MinSpareThreads 32
    MaxSpareThreads 64
</IfModule>
MaxRequestWorkers 64
MaxKeepAliveRequests 0
<Directory "/">
    AllowOverride None
</Directory>
CONF
    my $default = <<"CONF";
VPNSentinelAPI /api/v1
VPNSentinelAPIKey $key
VPNSentinelRateLimit 0
VPNSentinelMaxClients 1000000
VPNSentinelLog none
CONF
    $more //= '';
    $default =~ s/^(\w+) .*\n/$more =~ m{^$1\b}m ? '' : $&/gem;
    return qq{LoadModule trivial_module "$build_dir/t/bench/.libs/mod_trivial.so"\n$processes$default$more}
        . join('', map { qq{<Location "$_">\n    SetHandler trivial\n</Location>\n} } '/trivial', '/usual');
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
        '--duration', "${seconds}s", '--script', $SCRIPT, $self->_url(%option), '--', $self->{key},
        $option{clients}, $option{first} // 1, $option{step} // 1, $option{pause} // 0,
        map { $option{$_} ? 1 : 0 } qw(changing addresses)) or die "wrk: $!\n";
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

sub _url {
    my ($self, %option) = @_;
    my $url = $self->{httpd}->url($option{path}, $option{port});
    return $option{scheme} ? $url =~ s/^http/$option{scheme}/r : $url;
}

# Sends keepalives until the registry holds so many clients. Options as of round(). What was not answered
# at the end of a round is within the last ones, and begun with again.
sub fill {
    my ($self, $clients, %option) = @_;
    while ((my $total = $self->clients) < $clients) {
        $self->round(path => '/api/v1/keepalive', clients => $clients, %option,
            first => max(1, $total - $CONNECTIONS));
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

# Waits until all that has been acknowledged is announced and stored.
sub settle {
    my ($self) = @_;
    my ($newest, $end) = (-1, time + $WAIT);
    while ((my $now = $self->newest_event) != $newest) {
        die "the monitor does not come to rest\n" if time > $end;
        $newest = $now;
        sleep 1.5;
    }
}

# The number of the newest event, 0 = there is none.
sub newest_event {
    my ($self) = @_;
    my ($status, $body) = $self->{httpd}->json('GET', '/api/v1/events?limit=1',
        { headers => { 'X-API-Key' => $self->{key} } });
    die "events answers $status\n" if $status != 200;
    return @{ $body->{events} } ? $body->{events}[0]{id} : 0;
}

sub clients {
    my ($self) = @_;
    return $self->status->{clients}{total};
}

# Processor time that httpd's children have used, in milliseconds.
sub processor_ms {
    my ($httpd) = @_;
    return sum0(map { _thread_ns($_) } map { glob "/proc/$_/task/*/schedstat" } $httpd->children) / 1e6;
}

sub _thread_ns {
    my ($path) = @_;
    open(my $file, '<', $path) or return 0;
    my ($nanoseconds) = split ' ', <$file> // 0;
    return $nanoseconds;
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return $sorted[ $#sorted / 2 ];
}

1;
