# The client daemon in a world that misbehaves: server, signals. The look-ups: t/client_exit.t.
use strict;
use warnings;
use utf8;

use Test::More;

use ClientDaemon;
use ClientWorld;
use StandIn;

my $html = '<html><body>Please log in</body></html>';

subtest 'what the server answers' => sub {
    my $world = StandIn->start;
    my $json = sub { qq({"error":"E","message":"$_[0]"}) };
    my @case = (
        [{ status => 401 }, qr/Server refuses the API key \(HTTP 401\b.*VPN_SENTINEL_API_KEY/],
        [{ status => 403 }, qr/Server refuses this address \(HTTP 403\b/],
        [{ status => 429 }, qr/too many requests \(HTTP 429\b/],
        [{ status => 400, body => $json->('city is too long') }, qr/refuses the report \(HTTP 400: city is too long\)$/],
        [{ status => 404, body => $html }, qr/refuses the report \(HTTP 404\)$/],
        [{ status => 503, body => $json->('Registry full') }, qr/Server fails \(HTTP 503: Registry full\)$/],
        [{ status => 302, header => { Location => '/login?session=1#x' } },
            qr{Server redirects.* \(HTTP 302 to http://127\.0\.0\.1:\d+/login[:)]}],
        [{ status => 302, header => {} }, qr/Server redirects.* \(HTTP 302 to nowhere\b/],
        [{ status => 200, body => $html }, qr/not from a VPN Sentinel server \(HTTP 200\).*captive portal/],
        [{ status => 200, body => '' }, qr/not from a VPN Sentinel server/],
        [{ status => 200, body => '{"status":"error"}' }, qr/not from a VPN Sentinel server/],
        [{ status => 200, body => '{"status":"ok"} trailing' }, qr/not from a VPN Sentinel server/],
        [{ status => 200, body => '[' x 1000 }, qr/not from a VPN Sentinel server/],
        [{ status => 204, body => '' }, qr/not from a VPN Sentinel server \(HTTP 204\)/],
        [{ status => 200, body => '{"status":"ok"}' . ' ' x 20_000 }, qr/not from .*the answer is too long/],
        [{ garbage => 1 }, qr/not from a VPN Sentinel server/],
        [{ cut => 1 }, qr/Server unreachable \(./],
    );
    for my $case (@case) {
        my ($fault, $told) = @$case;
        $world->misbehave(keepalive => $fault);
        my $done = run_once($world);
        is($done->{status}, 1, 'not accepted: ' . join ' ', map { substr $_, 0, 30 } %$fault);
        like($done->{err}, qr/\[report\] ❌ .*$told/m);
        unlike($done->{err}, qr/$KEY|session=1/, 'no secret is shown');
    }
    $world->misbehave(keepalive => { hang => 1 });
    like(run_once($world, VPN_SENTINEL_TIMEOUT => 1)->{err}, qr/Server unreachable \(.*timed out/i, 'no answer');
    my $away = StandIn->new;
    like(run_once($world, VPN_SENTINEL_SERVER_URL => $away->url)->{err}, qr/Server unreachable/, 'no server');
    (my $tls = $world->url) =~ s/^http/https/;
    like(run_once($world, VPN_SENTINEL_SERVER_URL => $tls)->{err}, qr/No trusted connection .*TLS/, 'no TLS');
};

subtest 'a redirect is not followed' => sub {
    my $world = StandIn->start;
    my $elsewhere = StandIn->start;
    $world->misbehave(keepalive => { status => 307, header => { Location => $elsewhere->url . '/keepalive' } });
    is(run_once($world)->{status}, 1);
    is(count($elsewhere, 'keepalive'), 0, 'nothing arrives elsewhere, the key least of all');
};

# A text is cut somewhere, which must not keep a secret from being known.
subtest 'secrets that others echo' => sub {
    my $world = StandIn->start;
    my $gluetun_key = 'gluetun-key-1357924680';
    my $run = sub {
        my ($name, %more) = @_;
        my $done = run_once($world, VPN_SENTINEL_DEBUG => 'on', VPN_SENTINEL_GLUETUN_URL => $world->url,
            VPN_SENTINEL_GLUETUN_API_KEY => $gluetun_key, %more);
        unlike($done->{err}, qr/$KEY|$gluetun_key/, "$name: not shown");
        unlike($done->{err}, qr/key-[01]/, 'nor in part');
        return $done->{err};
    };
    my $redirect = sub { { status => 302, header => { Location => "/$_[0]/$_[1]" } } };
    my $refusal = sub { { status => 400, body => qq({"status":"error","message":"$_[0]"}) } };

    for my $key ($KEY, $gluetun_key) {
        $world->misbehave(gluetun => $redirect->($key, ''));
        like($run->('a redirect'), qr{HTTP 302 to http://127\.0\.0\.1:\d+/\*+/}, 'asterisks instead');
    }
    for my $before (180, 188, 195) {
        $world->misbehave(keepalive => $refusal->('x' x $before . $KEY));
        like($run->("the server's message, at $before"), qr/x{$before}\*+/, 'asterisks instead');
    }
    for my $before (310, 318) {
        $world->misbehave(gluetun => $redirect->('y' x $before, $KEY));
        like($run->("a long redirect, at $before"), qr{/y{$before}/\*}, 'asterisks instead');
    }
};

# The log says at DEBUG when the next round is due: its times are looked at, not waited for.
subtest 'when it tries again' => sub {
    my $world = StandIn->start;
    my @case = (
        [{ status => 200, body => '{"status":"ok"}' }, 3_400_000, 3_600_000, 'accepted: the interval'],
        [{ status => 401 }, 3_400_000, 3_600_000, 'refused: the interval'],
        [{ status => 403 }, 3_400_000, 3_600_000, 'refused: the interval'],
        [{ status => 400 }, 3_400_000, 3_600_000, 'refused: the interval'],
        [{ status => 429 }, 3_400_000, 3_600_000, 'limited: the interval'],
        [{ status => 429, header => { 'Retry-After' => 40 } }, 40_000, 44_000, 'limited: Retry-After'],
        [{ status => 429, header => { 'Retry-After' => 99_999_999 } }, 600_000, 660_000, 'limited: within reason'],
        [{ status => 503 }, 750, 1250, 'failing: soon'],
        [{ status => 302 }, 750, 1250, 'redirect: soon'],
        [{ status => 200, body => $html }, 750, 1250, 'not the server: soon'],
        [{ cut => 1 }, 750, 1250, 'away: soon'],
    );
    for my $case (@case) {
        my ($fault, $least, $most, $what) = @$case;
        $world->misbehave(keepalive => $fault);
        my $client = start_client($world, VPN_SENTINEL_DEBUG => 'true');
        ok($client->wait_for_log(qr/Next round in/));
        my ($ms) = $client->log =~ /Next round in (\d+) ms/ or fail('no time told');
        cmp_ok($ms, '>=', $least, $what);
        cmp_ok($ms, '<=', $most, $what);
        is($client->end, 0);
    }
};

subtest 'the server goes away and comes back' => sub {
    my $world = StandIn->start;
    my $server = StandIn->new;
    my $client = start_client($world, VPN_SENTINEL_SERVER_URL => $server->url);
    ok(wait_for_requests($client, $world, 'trace', 2), 'it tries again before the interval is over');
    is(lines($client, qr/Server unreachable/), 1, 'and says so once');
    $server->serve;
    ok($client->wait_for_log(qr/The server accepts reports again after \d+ s/), 'until it is back');
    is(count($server, 'keepalive'), 1, 'that report arrived');
    is(lines($client, qr/Keepalive accepted/), 1);
    is($client->end, 0);
};

subtest 'back-off grows, but not beyond the interval' => sub {
    my $world = StandIn->start;
    $world->misbehave(keepalive => { status => 503 });
    my $client = start_client($world, VPN_SENTINEL_DEBUG => 'on', VPN_SENTINEL_CHECK_INTERVAL => 60);
    $client->signal('USR1'), wait_for_requests($client, $world, 'keepalive', $_ + 1) for 1 .. 9;
    ok($client->wait_for_log(qr/Next round in/, 9));
    my @ms = $client->log =~ /Next round in (\d+) ms/g;
    cmp_ok($ms[0], '<', $ms[1], 'the second wait is longer');
    cmp_ok($ms[1], '>=', 1500);
    is(scalar(grep { $_ > 60_000 } @ms), 0, 'none is longer than the interval');
    is($client->end, 0);
};

subtest 'each kind of failure is told once in an outage' => sub {
    my $world = StandIn->start;
    my $client = start_client($world);
    for my $status (503, 503, 401, 502, 401) {
        $world->misbehave(keepalive => { status => $status });
        another_round($client, $world);
    }
    $world->behave('keepalive');
    another_round($client, $world);
    ok($client->wait_for_log(qr/accepts reports again/), 'over');
    is(lines($client, qr/Server fails/), 1, 'failing: once');
    is(lines($client, qr/refuses the API key/), 1, 'refused: once');
    is($client->end, 0);
};

subtest 'TERM ends it promptly, whatever it is doing' => sub {
    my $world = StandIn->start;
    my $endless = sub { start_client($world, VPN_SENTINEL_TIMEOUT => 300, @_) };
    my %before = ('ip-api' => ['ipinfo'], 'ipwhois' => ['ipinfo', 'ip-api']);
    for my $service (qw(gluetun trace ipinfo ip-api ipwhois keepalive)) {
        for my $fault ({ hang => 1 }, { slow => 1 }) {
            $world->misbehave($service => $fault);
            $world->misbehave($_ => { status => 500 }) for @{ $before{$service} // [] };
            my $before = count($world, $service);
            my $client = $endless->($service eq 'gluetun' ? (VPN_SENTINEL_GLUETUN_URL => $world->url) : ());
            ok(wait_for_requests($client, $world, $service, $before + 1), "$service is asked");
            is($client->end, 0, "in a request to $service that will " . (keys %$fault)[0]);
            $world->behave($_) for $service, qw(ipinfo ip-api);
        }
    }
    my $client = $endless->();
    ok($client->wait_for_log(qr/Keepalive accepted/));
    is($client->end, 0, 'between two rounds');
    like(scalar $client->log, qr/Stopped by a signal/, 'and it says so');
    $client = $endless->();
    $client->signal('INT');
    is($client->wait_exit, 0, 'INT likewise');

    my $before = count($world, 'keepalive');
    $world->misbehave(keepalive => { hang => 1 });
    my $once = ClientDaemon->start(args => ['--once'], env => environment($world, VPN_SENTINEL_TIMEOUT => 300));
    wait_for_requests($once, $world, 'keepalive', $before + 1);
    is($once->end, 1, '--once was not accepted then');
};

subtest 'a signal in the middle of a round is not lost' => sub {
    my $world = StandIn->start;
    for my $signal ('USR1', 'HUP') {
        $world->misbehave(ipinfo => { hang => 1, times => 1 });
        my ($asked, $reported) = map { count($world, $_) } qw(ipinfo keepalive);
        my $client = start_client($world, VPN_SENTINEL_TIMEOUT => 1);
        wait_for_requests($client, $world, 'ipinfo', $asked + 1);
        $client->signal($signal);
        ok(wait_for_requests($client, $world, 'keepalive', $reported + 2), "another round follows $signal");
        is($client->end, 0);
    }
};

subtest 'HUP reloads' => sub {
    my $world = StandIn->start(key => $KEY);
    my $config = sub { join '', map { "$_\n" } "VPN_SENTINEL_SERVER_URL=" . $world->url, @_ };
    my $client = ClientDaemon->start(
        env => environment($world, VPN_SENTINEL_API_KEY => '', VPN_SENTINEL_SERVER_URL => ''),
        config => $config->('VPN_SENTINEL_API_KEY=wrong-key'),
    );
    ok($client->wait_for_log(qr/refuses the API key/), 'a wrong key');
    $client->configure($config->("VPN_SENTINEL_API_KEY=$KEY", 'VPN_SENTINEL_CLIENT_ID=renamed'));
    $client->signal('HUP');
    ok($client->wait_for_log(qr/Keepalive accepted: renamed/), 'the new file counts at once');

    $client->configure($config->('VPN_SENTINEL_CLIENT_ID=not valid'));
    $client->signal('HUP');
    ok($client->wait_for_log(qr/Not reloaded, going on as before: VPN_SENTINEL_CLIENT_ID is "not valid"/), 'a bad one');
    is(another_round($client, $world)->{client_id}, 'renamed', 'changes nothing');
    unlike(scalar $client->log, qr/\Q$KEY\E|wrong-key/, 'no secret is shown');
    is($client->end, 0);
};

subtest 'the key is not in the process list' => sub {
    plan skip_all => 'no /proc here' unless -r '/proc/self/cmdline';
    my $world = StandIn->start;
    my $client = start_client($world);
    open my $in, '<', '/proc/' . $client->pid . '/cmdline' or die $!;
    unlike(<$in>, qr/\Q$KEY\E/);
    is($client->end, 0);
};

done_testing;
