package H2load;

=head1 NAME

H2load - keepalives over HTTP/2, by h2load, for the benchmarks

=head1 SYNOPSIS

    my $result = H2load->new(httpd => $httpd, key => 'secret')->round(path => '/api/v1/keepalive');
    print "$result->{rate} a second, $result->{p99_ms} ms\n";

=head2 round(path => PATH, port => INDEX)

One second of keepalives (a pause it does not know) of one client over as many connections as Wrk has, one request at a time on each.
Returns and dies as Wrk's does. The server must speak h2c.

=cut

use strict;
use warnings;

use Wrk;

my $BODY = '{"client_id":"c-1","public_ip":"203.0.113.42","location":"US","city":"San Francisco",'
    . '"region":"California","country":"United States","dns_loc":"US","dns_colo":"SJC",'
    . '"vpn_connected":true,"timestamp":"2025-01-15T12:34:56Z"}';

sub new {
    my ($class, %self) = @_;
    return bless \%self, $class;
}

sub is_there {
    return (`h2load --version 2>&1` // '') =~ /^h2load /;
}

sub round {
    my ($self, %option) = @_;
    my ($body, $log) = map { $self->{httpd}->root . "/$_" } 'h2load.body', 'h2load.log';
    $self->{httpd}->write_file('h2load.body', $BODY);
    unlink $log;
    my $url = $self->{httpd}->url($option{path}, $option{port});
    my $output = `h2load --duration 1 --clients $Wrk::CONNECTIONS --threads 1 --data '$body' \\
        --header 'X-API-Key: $self->{key}' --header 'Content-Type: application/json' \\
        --log-file '$log' '$url' 2>&1`;
    my ($rate) = $output =~ m{^finished in \S+, ([\d.]+) req/s}m or die "h2load has failed:\n$output";
    my ($good, $bad) = $output =~ /^status codes: (\d+) 2xx, (.*)$/m;
    # What is under way at the end counts as errored: one on each connection.
    my ($failed) = $output =~ /(\d+) failed/;
    if (!$good || $bad =~ /[1-9]\d* [345]xx/ || $failed > $Wrk::CONNECTIONS) {
        die "$option{path}: $output" . $self->{httpd}->error_log;
    }
    return { rate => $rate, requests => $good, p99_ms => p99($log) };
}

# Of a log of "start, status, microseconds" a line.
sub p99 {
    my ($log) = @_;
    open(my $in, '<', $log) or die "$log: $!\n";
    my @times = sort { $a <=> $b } map { (split)[2] } <$in>;
    return $times[ 0.99 * $#times ] / 1000;
}

1;
