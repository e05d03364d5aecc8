# The rounds of the client daemon in the course of time: suspends, steps of the wall clock, outages, signals.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use POSIX ();
use Test::More;

use ClientDaemon;
use StandIn;

my $DAY = 86_400;

sub environment {
    my ($world, %more) = @_;
    return {
        VPN_SENTINEL_CHECK_INTERVAL => 3600, VPN_SENTINEL_TIMEOUT => 300, VPN_SENTINEL_DEBUG => 'on',
        VPN_SENTINEL_HEALTH_SCRIPT => '/bin/true',
        (map { ("VPN_SENTINEL_${_}_URL" => $world->url) } qw(SERVER IPINFO IPAPI TRACE)), %more,
    };
}

sub start_client {
    my ($world, %option) = @_;
    my $client = ClientDaemon->start(
        preload => ['clockstep'], %option, env => environment($world, %{ $option{env} // {} }));
    ok($client->wait_for_log(qr/started/), 'started');
    return $client;
}

# The daemon has done so many rounds, and waits: for as many ms as are returned.
sub rounds {
    my ($client, $count) = @_;
    $client->wait_for_log(qr/Next round in/, $count) or return;
    return ($client->log =~ /Next round in (\d+) ms/g)[$count - 1];
}

sub another_round {
    my ($client) = @_;
    my $before = lines($client, qr/Next round in/);
    $client->signal('USR1');
    return rounds($client, $before + 1);
}

sub count {
    my ($world, $service) = @_;
    return scalar(my @all = $world->requests($service));
}

sub lines {
    my ($client, $re) = @_;
    return scalar(my @matching = grep { /$re/ } $client->log);
}

# The last answer to "when is the next round due".
sub next_round {
    my ($client) = @_;
    my @ms = $client->log =~ /Next round in (\d+) ms/g;
    return $ms[-1];
}

sub last_timestamp {
    my ($world) = @_;
    my $body = JSON::PP->new->utf8->decode((($world->requests('keepalive'))[-1])->{body});
    my ($year, $month, @rest) = $body->{timestamp} =~ /(\d+)/g;
    # As if it were local time, in a zone without an offset.
    local $ENV{TZ} = 'UTC';
    POSIX::tzset();
    my $time = POSIX::mktime(reverse(@rest), $month - 1, $year - 1900);
    return $time;
}

subtest 'after a suspend' => sub {
    my $world = StandIn->start;
    my $client = start_client($world);
    ok(rounds($client, 1));
    $client->suspend(1800);
    ok(another_round($client), 'half the interval');
    is(count($world, 'keepalive'), 2, 'brings no round of its own');
    $client->suspend(1800 + 3600);
    ok(rounds($client, 3), 'one that is longer than the wait brings a round at once');
    cmp_ok(next_round($client), '>=', 3_400_000, 'and the interval counts from there');
    is(count($world, 'ipinfo'), 1, 'the place is still good');
    $client->suspend(2 * $DAY);
    ok(rounds($client, 4), 'again');
    ok($client->wait_for(sub { count($world, 'ipinfo') == 2 }), 'what is known has aged meanwhile');
    is($client->end, 0);
};

subtest 'a suspend in a back-off and in an outage' => sub {
    my $world = StandIn->start;
    my $client = start_client($world);
    ok(rounds($client, 1));
    $world->misbehave(keepalive => { status => 401 });
    ok(another_round($client));
    $world->behave('keepalive');
    $client->suspend(2 * $DAY + 3 * 3600);
    ok($client->wait_for_log(qr/accepts reports again after 2 d 3 h/), 'is part of its length');
    is($client->end, 0);
};

subtest 'steps of the wall clock' => sub {
    my $world = StandIn->start;
    my $client = start_client($world);
    ok(rounds($client, 1));
    my $off = abs(last_timestamp($world) - time);
    cmp_ok($off, '<', 60, 'the time is told');
    for my $days (400, -400, 20_000) {
        $client->step_clock($days * $DAY);
        my $before = count($world, 'keepalive');
        ok(another_round($client), "by $days days");
        is(count($world, 'keepalive'), $before + 1, 'no round but the one that was asked for');
        cmp_ok(abs(last_timestamp($world) - time - $days * $DAY), '<', 60, 'the new time is told');
        cmp_ok(next_round($client), '>=', 3_400_000, 'the interval is what it was');
        cmp_ok(next_round($client), '<=', 3_600_000, 'the interval is what it was');
    }
    is(count($world, 'ipinfo'), 1, 'nothing has aged');
    $world->misbehave(keepalive => { status => 503, times => 1 });
    another_round($client);
    $client->step_clock(0);
    ok($client->wait_for_log(qr/accepts reports again after \d+ s$/), 'nor is an outage longer');
    is($client->end, 0);
};

subtest 'USR1 and HUP in a back-off' => sub {
    my $world = StandIn->start;
    $world->misbehave(keepalive => { status => 503, times => 12 });
    my $client = start_client($world);
    ok(rounds($client, 1));
    # Until the wait is longer than this test.
    another_round($client) for 1 .. 9;
    cmp_ok(next_round($client), '>=', 100_000, 'a long wait');
    my $rounds = lines($client, qr/Next round in/);
    $client->signal('USR1');
    ok(rounds($client, $rounds + 1), 'USR1 does not wait');
    $client->signal('HUP');
    ok(rounds($client, $rounds + 2), 'HUP does not either');
    another_round($client);
    ok($client->wait_for_log(qr/accepts reports again/), 'until it is well');
    $world->misbehave(keepalive => { status => 503, times => 1 });
    cmp_ok(another_round($client), '<=', 1250, 'then the back-off is short again');
    is($client->end, 0);
};

subtest 'how often an outage is told' => sub {
    my $world = StandIn->start;
    my $client = start_client($world, env => { VPN_SENTINEL_DEBUG => 'off' });
    ok($client->wait_for_log(qr/Keepalive accepted/));
    my $fail = sub {
        my $before = count($world, 'keepalive');
        $world->misbehave(keepalive => $_[0]);
        $client->signal('USR1');
        $client->wait_for(sub { count($world, 'keepalive') > $before });
    };
    my %told = (
        'Server fails' => { status => 503 }, 'refuses the API key' => { status => 401 },
        'refuses this address' => { status => 403 }, 'too many requests' => { status => 429 },
        'refuses the report' => { status => 400 }, 'Server unreachable' => { drop => 1 },
        'Server redirects' => { status => 302, header => { Location => '/' } },
        'not from a VPN Sentinel server' => { status => 200, body => '<html>' },
    );
    for my $again (1 .. 3) {
        $fail->($told{$_}) for sort keys %told;
    }
    $world->behave('keepalive');
    $client->signal('USR1');
    ok($client->wait_for_log(qr/accepts reports again after/), 'over');
    is(lines($client, qr/\Q$_\E/), 1, "once: $_") for sort keys %told;
    is(lines($client, qr/\[report\] ❌/), scalar keys %told, 'and nothing else');
    is(lines($client, qr/accepts reports again/), 1);
    is($client->end, 0);
};

subtest 'HUP in the middle of a round' => sub {
    my $world = StandIn->start;
    my $config = sub { "VPN_SENTINEL_CLIENT_ID=$_[0]\n" };
    my $client = start_client($world, config => $config->('before'));
    ok(rounds($client, 1));
    $world->misbehave(trace => { hang => 1, times => 1 });
    my $before = count($world, 'trace');
    $client->signal('USR1');
    ok($client->wait_for(sub { count($world, 'trace') > $before }), 'it is busy');
    $client->configure($config->('after'));
    $client->signal('HUP');
    $world->hang_up;
    ok($client->wait_for_log(qr/Keepalive accepted: after/), 'the next round knows it');
    is(lines($client, qr/Keepalive accepted: before/), 2, 'the one that went on did not');
    is($client->end, 0);
};

subtest 'TERM in a look-up of a name' => sub {
    my $world = StandIn->start;
    # Not localhost, which libcurl looks up nowhere.
    (my $named = $world->url) =~ s/127\.0\.0\.1/sentinel.example/;
    for my $service (qw(TRACE SERVER)) {
        my $client = start_client($world, preload => ['slowlookup'], env => { "VPN_SENTINEL_${service}_URL" => $named });
        ok($client->wait_for_log(qr/^look-up of sentinel\.example/), "in that of $service");
        is($client->end, 0, 'it ends');
    }
};

subtest 'a flood of signals' => sub {
    my $world = StandIn->start;
    my $client = start_client($world);
    for (1 .. 200) {
        $client->signal($_) for qw(USR1 HUP CHLD CONT);
    }
    ok(another_round($client), 'it goes on');
    is($client->end, 0);
};

done_testing;
