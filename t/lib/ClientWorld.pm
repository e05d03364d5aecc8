package ClientWorld;

=head1 NAME

ClientWorld - the client daemon in a StandIn's world, round by round

=head1 SYNOPSIS

    my $world = StandIn->start;
    my $client = start_client($world, VPN_SENTINEL_TIMEOUT => 1);
    is(another_round($client, $world)->{city}, 'București');

=head1 DESCRIPTION

The daemon's interval is an hour, so that it does nothing by itself after its first round. All its
services, gluetun excepted, and its server are $world unless the environment given says otherwise.

=head2 environment(WORLD, NAME => VALUE...), start_client(the same), run_once(the same)

The environment; a running ClientDaemon with it; what ClientDaemon->run(args => ['--once']) returned.

=head2 count(WORLD, SERVICE), wait_for_requests(CLIENT, WORLD, SERVICE, N)

How often a service was asked; wait until it was N times.

=head2 another_round(CLIENT, WORLD, SIGNAL), last_body(WORLD)

One more round, by USR1 if no other signal is given, to be reported to WORLD; both return the body of the last
report. Whatever else makes a round by itself, another signal, a failure or a suspend, has to be over, for its
report may be that one.

=head2 lines(CLIENT or TEXT, RE)

How many lines of its log match.

=cut

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP ();
use Test::More;

use ClientDaemon;

our @EXPORT = qw($KEY environment start_client run_once count wait_for_requests another_round last_body lines);

our $KEY = 'key-0123456789-secret';

sub environment {
    my ($world, %more) = @_;
    return {
        VPN_SENTINEL_CHECK_INTERVAL => 3600, VPN_SENTINEL_TIMEOUT => 20, VPN_SENTINEL_API_KEY => $KEY,
        (map { ("VPN_SENTINEL_${_}_URL" => $world->url) } qw(SERVER IPINFO IPAPI IPWHOIS TRACE)), %more,
    };
}

sub start_client {
    my ($world, %more) = @_;
    my $client = ClientDaemon->start(env => environment($world, %more));
    ok($client->wait_for_log(qr/started/), 'started');
    return $client;
}

sub run_once {
    my ($world, %more) = @_;
    return ClientDaemon->run(args => ['--once'], env => environment($world, %more));
}

sub count {
    my ($world, $service) = @_;
    return scalar(my @all = $world->requests($service));
}

sub wait_for_requests {
    my ($client, $world, $service, $count) = @_;
    return $client->wait_for(sub { count($world, $service) >= $count });
}

sub another_round {
    my ($client, $world, $signal) = @_;
    my $before = count($world, 'keepalive');
    $client->signal($signal // 'USR1');
    wait_for_requests($client, $world, 'keepalive', $before + 1) or fail('no round');
    return last_body($world);
}

sub last_body {
    my ($world) = @_;
    return JSON::PP->new->utf8->decode((($world->requests('keepalive'))[-1])->{body});
}

sub lines {
    my ($text, $re) = @_;
    return scalar(my @matching = grep { /$re/ } ref $text ? $text->log : split /\n/, $text);
}

1;
