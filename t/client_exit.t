# The client daemon's look-ups: who tells the address and the place of the exit, and who when that one fails.
use strict;
use warnings;
use utf8;

use Test::More;

use ClientDaemon;
use ClientWorld;
use StandIn;

my @providers = qw(ipinfo ip-api ipwhois);
my %city = ('ipinfo' => 'București', 'ip-api' => 'Cluj-Napoca', 'ipwhois' => 'Iași', 'gluetun' => 'Timișoara');
my @place = qw(city region country location provider timezone);

sub paths {
    my ($world, $service) = @_;
    return [map { $_->{path} } $world->requests($service)];
}

sub is_unknown {
    my ($body, @member) = @_;
    is($body->{$_}, undef, "$_ is unknown") for @member;
    return;
}

subtest 'the place is cached by address' => sub {
    my $world = StandIn->start;
    my $client = start_client($world);
    wait_for_requests($client, $world, 'keepalive', 1);
    is(another_round($client, $world)->{city}, 'București', "round $_") for 2 .. 5;
    is(count($world, 'trace'), 5, 'five rounds');
    is(count($world, 'ipinfo'), 1, 'one look-up');
    $world->address('198.51.100.8');
    is(another_round($client, $world)->{public_ip}, '198.51.100.8', 'another address');
    another_round($client, $world);
    $world->address('198.51.100.7');
    is(another_round($client, $world)->{public_ip}, '198.51.100.7', 'and back');
    is_deeply(paths($world, 'ipinfo'), ['/198.51.100.7/json', '/198.51.100.8/json'], 'each was looked up once');
    is(count($world, $_), 0, "$_ was never needed") for qw(ip-api ipwhois);
    is($client->end, 0);
};

# What each provider answers when asked for the place, that is of no use.
my $html = '<html><body>Please log in</body></html>';
my %useless = (
    'HTTP 500' => { status => 500 },
    'limit' => { status => 429 },
    'limit in plain text' => { status => 403, body => 'Rate limit exceeded. Subscribe to a paid plan' },
    'unknown token' => { status => 403, body => '{"status":403,"error":{"title":"Unknown token"}}' },
    'not found' => { status => 404, body => '{"status":404,"error":{"title":"Wrong ip"}}' },
    'redirect' => { status => 302, header => { Location => 'http://192.0.2.1/login?session=1' } },
    'HTML' => { body => $html, header => { 'Content-Type' => 'text/html' } },
    'plain text' => { body => 'Rate limit exceeded' },
    'no JSON object' => { body => '["198.51.100.7"]' },
    'wrong types' => { body => '{"ip":7,"query":{},"success":[],"country":"Romania"}' },
    'wrong types of the place' =>
        { body => '{"ip":"198.51.100.7","query":"198.51.100.7","country":["Romania"],"countryCode":7}' },
    'nothing' => { body => '' },
    'bogon' => { body => '{"ip":"198.51.100.7","query":"198.51.100.7","country":"Romania","bogon":true}' },
    'error object' => { body => '{"ip":"198.51.100.7","query":"198.51.100.7","country":"Romania","error":{}}' },
    'status fail' => { body => '{"status":"fail","message":"reserved range","query":"198.51.100.7","ip":"198.51.100.7",'
            . '"country":"Romania"}' },
    'success false' => { body => '{"success":false,"message":"You\'ve hit the monthly limit","ip":"198.51.100.7",'
            . '"query":"198.51.100.7","country":"Romania"}' },
    'other address' => { body => '{"ip":"203.0.113.99","query":"203.0.113.99","city":"Elsewhere","country":"US"}' },
    'private address' => { body => '{"ip":"10.0.0.1","query":"10.0.0.1","city":"Elsewhere","country":"US"}' },
    'too long' => { body => '{"ip":"198.51.100.7","country":"' . 'x' x 70_000 . '"}' },
    'no HTTP' => { garbage => 1 },
    'cut' => { cut => 1 },
    'closed' => { drop => 1 },
);

subtest 'a provider fails, the next one answers' => sub {
    my $world = StandIn->start;
    for my $failing (0, 1) {
        my ($provider, $next) = @providers[$failing, $failing + 1];
        $world->misbehave($_ => { status => 500 }) for @providers[0 .. $failing - 1];
        for my $name (sort keys %useless) {
            $world->misbehave($provider => $useless{$name});
            my $done = run_once($world);
            is($done->{status}, 0, "$provider: $name");
            is(last_body($world)->{city}, $city{$next}, "$next is asked");
            is(lines($done->{err}, qr/No usable answer from $provider: ./), 1, 'told once');
            is(lines($done->{err}, qr/No usable answer/), $failing + 1, 'nothing else failed');
        }
    }
};

subtest 'one provider is named' => sub {
    my $world = StandIn->start;
    my %names = ('ipinfo' => ['ipinfo.io', 'ipinfo'], 'ip-api' => ['ip-api.com'], 'ipwhois' => ['ipwhois.app']);
    for my $provider (@providers) {
        for my $name (@{ $names{$provider} }) {
            my %before = map { ($_ => count($world, $_)) } @providers;
            is(run_once($world, VPN_SENTINEL_GEOLOCATION_SERVICE => $name)->{status}, 0, $name);
            my $body = last_body($world);
            is($body->{city}, $city{$provider}, 'it is asked');
            is($body->{country}, $provider eq 'ipinfo' ? 'RO' : 'Romania');
            is($body->{location}, 'RO');
            like($body->{provider}, qr/\AAS9009 M247/);
            is($body->{timezone}, 'Europe/Bucharest');
            is_deeply([grep { count($world, $_) != $before{$_} } @providers], [$provider], 'and nobody else');
        }
        for my $name (sort keys %useless) {
            $world->misbehave($provider => $useless{$name});
            my $done = run_once($world, VPN_SENTINEL_GEOLOCATION_SERVICE => $provider);
            is($done->{status}, 0, "$provider: $name");
            is(last_body($world)->{public_ip}, '198.51.100.7', 'the address is known by the trace');
            is_unknown(last_body($world), @place);
            is(last_body($world)->{dns_loc}, 'RO', 'the rest is reported');
            is(lines($done->{err}, qr/No usable answer/), 1, 'told, and nobody else was asked');
        }
        $world->behave($provider);
    }
};

subtest 'the older form of ipwhois' => sub {
    my $world = StandIn->start;
    my %env = (
        VPN_SENTINEL_GEOLOCATION_SERVICE => 'ipwhois',
        VPN_SENTINEL_IPWHOIS_URL => $world->url . '/ipwhois.app/json/',
    );
    is(run_once($world, %env)->{status}, 0);
    is_deeply(paths($world, 'ipwhois'), ['/ipwhois.app/json/198.51.100.7']);
    my $body = last_body($world);
    is_deeply([@$body{qw(city region country location provider timezone)}],
        ['Iași', 'Iași', 'Romania', 'RO', 'AS9009 M247', 'Europe/Bucharest']);
};

subtest 'a token that is refused' => sub {
    my $world = StandIn->start;
    my $token = 'token-9876543210-secret';
    $world->misbehave(ipinfo => $useless{'unknown token'});
    my $done = run_once($world, IPINFO_API_TOKEN => $token);
    like($done->{err}, qr/No usable answer from ipinfo: HTTP 403: is IPINFO_API_TOKEN wrong/, 'told with the remedy');
    unlike($done->{err}, qr/\Q$token\E/);
    is(scalar(grep { exists $_->{header}{authorization} } map { $world->requests($_) } qw(ip-api trace keepalive)), 0,
        'nobody else gets it');
    unlike(run_once($world)->{err}, qr/IPINFO_API_TOKEN/, 'no word of it when there is none');
};

subtest 'answers that never end' => sub {
    my $world = StandIn->start;
    for my $fault ({ hang => 1 }, { slow => 1 }) {
        $world->misbehave($_ => $fault) for qw(ipinfo ip-api);
        my $done;
        # Who waits so little may not hear the others on a busy machine.
        for (1 .. 5) {
            $done = run_once($world, VPN_SENTINEL_TIMEOUT => 1);
            last if $done->{status} == 0 && (last_body($world)->{city} // '') eq 'Iași';
        }
        is($done->{status}, 0, join ' ', %$fault);
        is(last_body($world)->{city}, 'Iași', 'the last provider is asked');
    }
};

subtest 'a provider that refuses rests' => sub {
    my $world = StandIn->start;
    my $address = 7;
    my $next = sub { $world->address('198.51.100.' . ++$address) };
    $world->misbehave(ipinfo => { status => 429, header => { 'Retry-After' => 3600 }, times => 1 });
    my $client = start_client($world);
    wait_for_requests($client, $world, 'keepalive', 1);
    $next->();
    is(another_round($client, $world)->{city}, 'Cluj-Napoca');
    is(count($world, 'ipinfo'), 1, 'as long as Retry-After says');
    is(count($world, 'ip-api'), 2, 'the other one is asked');

    $world->misbehave('ip-api' => { header => { 'X-Rl' => 0, 'X-Ttl' => 3600 }, times => 1 });
    $next->();
    is(another_round($client, $world)->{city}, 'Cluj-Napoca', 'its last answer before its limit counts');
    $next->();
    is(another_round($client, $world)->{city}, 'Iași', 'then it rests too');
    is(count($world, 'ip-api'), 3);

    $world->misbehave(ipwhois => { status => 403, times => 1 });
    $next->();
    another_round($client, $world);
    $next->();
    my $body = another_round($client, $world);
    is_unknown($body, @place);
    is($body->{public_ip}, '198.51.100.12', 'without anybody to ask the address is reported without place');
    is(count($world, 'ipwhois'), 2);
    $world->address('198.51.100.8');
    is(another_round($client, $world)->{city}, 'Cluj-Napoca', 'what was told before is remembered');

    $next->();
    is(another_round($client, $world, 'HUP')->{city}, 'București', 'a reload ends all rests');
    is($client->end, 0);
};

subtest 'a provider that has rested is asked again' => sub {
    my $world = StandIn->start;
    $world->misbehave(ipinfo => { status => 429, header => { 'Retry-After' => 1 }, times => 1 });
    my $client = start_client($world);
    wait_for_requests($client, $world, 'keepalive', 1);
    my $last = 10;
    ok($client->wait_for(sub {
        $world->address('198.51.100.' . $last++ % 200);
        return (another_round($client, $world)->{city} // '') eq 'București';
    }), 'asked');
    ok($client->wait_for_log(qr/ipinfo answers again after \d+ s/), 'and told');
    is($client->end, 0);
};

subtest 'nobody is asked without end' => sub {
    my $world = StandIn->start;
    my $client = start_client($world);
    wait_for_requests($client, $world, 'keepalive', 1);
    for my $last (1 .. 45) {
        $world->address("198.51.100.$last");
        is(another_round($client, $world, $last == 20 ? 'HUP' : 'USR1')->{public_ip}, "198.51.100.$last") or last;
    }
    is(count($world, $_), 12, "$_: a budget, whatever the address does") for @providers;
    is($client->end, 0);
};

subtest 'no trace' => sub {
    my $world = StandIn->start;
    $world->misbehave(trace => { body => $html });
    my $client = start_client($world);
    wait_for_requests($client, $world, 'keepalive', 1);
    my $body = another_round($client, $world);
    is($body->{public_ip}, '198.51.100.7', 'the provider tells the address');
    is($body->{city}, 'București');
    is_unknown($body, qw(dns_loc dns_colo));
    another_round($client, $world);
    is_deeply(paths($world, 'ipinfo'), ['/json'], 'it is asked once, not each round');

    $world->address('198.51.100.8');
    $world->behave('trace');
    is(another_round($client, $world)->{public_ip}, '198.51.100.8', 'the trace is back, with another address');
    ok($client->wait_for_log(qr/Cloudflare's trace answers again after \d+ s/), 'and told');
    $world->misbehave(trace => { status => 500 });
    is(another_round($client, $world)->{public_ip}, '198.51.100.8');
    is_deeply(paths($world, 'ipinfo'), ['/json', '/198.51.100.8/json', '/json'], 'the older answer no longer counts');
    is(lines($client, qr/No usable answer from Cloudflare's trace/), 2, 'each outage was told once');
    $client->signal('HUP');
    wait_for_requests($client, $world, 'ipinfo', 4);
    is(paths($world, 'ipinfo')->[-1], '/json', 'a reload asks anew');
    is($client->end, 0);
};

subtest 'no trace, and each provider alone' => sub {
    my $world = StandIn->start;
    my %path = ('ipinfo' => '/json', 'ip-api' => '/json/', 'ipwhois' => '/');
    for my $fault ({ status => 500 }, { body => "ip=10.0.0.1\nloc=RO\ncolo=OTP\n" }) {
        $world->misbehave(trace => $fault);
        for my $provider (@providers) {
            is(run_once($world, VPN_SENTINEL_GEOLOCATION_SERVICE => $provider)->{status}, 0, $provider);
            is(last_body($world)->{public_ip}, '198.51.100.7', 'it tells the address');
            is(last_body($world)->{city}, $city{$provider}, 'and the place');
            is(($world->requests($provider))[-1]{path}, $path{$provider}, 'in one call');
        }
    }
};

subtest 'no internet at all' => sub {
    my $server = StandIn->start;
    my $internet = StandIn->new;
    my $client = start_client($internet, VPN_SENTINEL_SERVER_URL => $server->url);
    wait_for_requests($client, $server, 'keepalive', 1);
    my $body = another_round($client, $server);
    is($body->{client_id}, 'default-client', 'it reports');
    is_unknown($body, qw(public_ip dns_loc dns_colo), @place);
    another_round($client, $server);
    ok($client->wait_for_log(qr/Keepalive accepted: default-client \| IP: unknown \| Location: unknown/, 3));
    is(lines($client, qr/No look-up service answers/), 1, 'and says so once');
    is(lines($client, qr/No usable answer from/), 4, 'each service was told once');

    $internet->serve;
    is(another_round($client, $server)->{public_ip}, '198.51.100.7', 'the internet is back');
    is(last_body($server)->{city}, 'București', 'the providers are asked at once');
    is(lines($client, qr/The address is known again after \d+ s/), 1, 'which is told');
    is($client->end, 0);
};

subtest 'the address that the server saw' => sub {
    my $world = StandIn->start;
    $world->misbehave(trace => { status => 500 });
    $world->address('', @providers);    # of no use when asked who we are, but they know where addresses are
    $world->address('198.51.100.9', 'keepalive');
    my $client = start_client($world);
    wait_for_requests($client, $world, 'keepalive', 1);
    is_unknown(last_body($world), 'public_ip');
    my $body = another_round($client, $world);
    is($body->{public_ip}, '198.51.100.9', 'is the last resort of the next report');
    is($body->{city}, 'București', 'its place is looked up');
    another_round($client, $world);
    is(lines($client, qr/No look-up service answers: reporting the address that the server saw/), 1, 'told once');
    is_deeply(paths($world, 'ipinfo'), ['/json', '/198.51.100.9/json'], 'who does not know us is not asked each round');

    for my $near ('192.168.1.7', '100.64.0.1', 'fd00::7', 'nonsense', '') {
        $world->address($near, 'keepalive');
        another_round($client, $world);
        is_unknown(another_round($client, $world), 'public_ip');
    }
    $world->address('2001:db8::9', 'keepalive');
    another_round($client, $world);
    is(another_round($client, $world)->{public_ip}, '2001:db8::9', 'an IPv6 one');
    $world->misbehave(keepalive => { status => 503, times => 1 });
    my $failed = count($world, 'keepalive') + 1;
    another_round($client, $world);
    ok(wait_for_requests($client, $world, 'keepalive', $failed + 1), 'it tries again by itself');
    is_unknown(last_body($world), 'public_ip');

    $world->behave('trace');
    is(another_round($client, $world)->{public_ip}, '198.51.100.7', 'whatever else is known is preferred');
    ok($client->wait_for_log(qr/The address is known again after \d+ s/), 'told');
    is($client->end, 0);
};

my $GLUETUN_KEY = 'gluetun-key-1357924680';

subtest 'gluetun' => sub {
    my $world = StandIn->start;
    my $client = start_client($world, VPN_SENTINEL_GLUETUN_URL => $world->url . '/');
    wait_for_requests($client, $world, 'keepalive', 1);
    another_round($client, $world);
    my $body = last_body($world);
    is_deeply([@$body{qw(public_ip city region country location provider timezone)}],
        ['198.51.100.7', 'Timișoara', 'Timiș', 'Romania', 'RO', 'AS9009 M247 Europe SRL', 'Europe/Bucharest'],
        'it tells address and place');
    is($body->{dns_loc}, 'RO', 'the trace tells the rest');
    is_deeply(paths($world, 'gluetun'), [('/v1/publicip/ip') x 2], 'it is asked each round');
    ok(!exists +($world->requests('gluetun'))[0]{header}{'x-api-key'}, 'without a key, least of all the server\'s');
    is(count($world, $_), 0, "$_ is not needed") for @providers;

    $world->address('198.51.100.8', 'gluetun');
    is(another_round($client, $world)->{public_ip}, '198.51.100.7', 'what the client sees by itself counts more');
    another_round($client, $world);
    is(lines($client, qr/gluetun tells the address 198\.51\.100\.8, but this client comes out at 198\.51\.100\.7: /), 1,
        'a difference from the trace is told once');
    $world->address('198.51.100.8', 'trace');
    another_round($client, $world);
    ok($client->wait_for_log(qr/gluetun and the trace agree again after \d+ s/), 'so is its end');

    $world->misbehave(gluetun => { body => '{"public_ip":"198.51.100.9"}' });
    $world->misbehave(trace => { status => 500 });
    $body = another_round($client, $world);
    is($body->{public_ip}, '198.51.100.9', 'it may know no place');
    is($body->{city}, 'București', 'which is looked up then');
    is_deeply(paths($world, 'ipinfo'), ['/198.51.100.9/json']);
    is($client->end, 0);
};

subtest 'gluetun fails' => sub {
    my $world = StandIn->start;
    my %fault = (%useless, 'no tunnel' => { body => '{"public_ip":""}' });
    delete @fault{ 'other address', 'wrong types of the place' };    # it is asked for none, and may know no place
    for my $name (sort keys %fault) {
        $world->misbehave(gluetun => $fault{$name});
        my $done = run_once($world, VPN_SENTINEL_GLUETUN_URL => $world->url);
        is($done->{status}, 0, $name);
        is(last_body($world)->{public_ip}, '198.51.100.7', 'the trace is asked');
        is(last_body($world)->{city}, 'București', 'and ipinfo');
        is(lines($done->{err}, qr/No usable answer from gluetun: ./), 1, 'told once');
        is(lines($done->{err}, qr/No usable answer/), 1, 'nothing else failed');
    }
    my $away = StandIn->new;
    is(run_once($world, VPN_SENTINEL_GLUETUN_URL => $away->url)->{status}, 0, 'nobody there');
    is(last_body($world)->{city}, 'București');
};

subtest 'gluetun wants a key' => sub {
    my $world = StandIn->start(gluetun_key => $GLUETUN_KEY);
    my %url = (VPN_SENTINEL_GLUETUN_URL => $world->url);
    is(run_once($world, %url, VPN_SENTINEL_GLUETUN_API_KEY => $GLUETUN_KEY)->{status}, 0, 'the right one');
    is(last_body($world)->{city}, 'Timișoara');
    is(scalar(grep { ($_->{header}{'x-api-key'} // '') eq $GLUETUN_KEY }
        map { $world->requests($_) } qw(trace ipinfo keepalive)), 0, 'nobody else gets it');
    for my $key ('', 'wrong-key-2468') {
        my $done = run_once($world, %url, VPN_SENTINEL_GLUETUN_API_KEY => $key);
        is(last_body($world)->{city}, 'București', $key eq '' ? 'none' : 'a wrong one');
        like($done->{err}, qr{gluetun: HTTP 401: VPN_SENTINEL_GLUETUN_API_KEY must .*"GET /v1/publicip/ip"},
            'told with the remedy');
        unlike($done->{err}, qr/wrong-key-2468/);
    }
    my $client = start_client($world, %url);
    wait_for_requests($client, $world, 'keepalive', 1);
    another_round($client, $world);
    is(lines($client, qr/gluetun: HTTP 401/), 1, 'once');
    is($client->end, 0);
};

subtest 'gluetun and who is named' => sub {
    my $world = StandIn->start;
    my $run = sub {
        my ($service) = @_;
        my $url = $world->url;
        is(run_once($world, VPN_SENTINEL_GLUETUN_URL => $url, VPN_SENTINEL_GEOLOCATION_SERVICE => $service)->{status}, 0);
        return last_body($world);
    };
    $world->address('198.51.100.8', 'gluetun');
    $world->misbehave(trace => { status => 500, times => 2 });
    my $body = $run->('ip-api');
    is($body->{public_ip}, '198.51.100.8', 'gluetun tells the address');
    is($body->{city}, 'Cluj-Napoca', 'the named provider the place');
    is($run->('gluetun')->{city}, 'Timișoara', 'gluetun may be the only one');
    $world->misbehave(gluetun => { status => 500 });
    $body = $run->('gluetun');
    is($body->{public_ip}, '198.51.100.7', 'without it the trace tells the address');
    is_unknown($body, @place);
    is(count($world, 'ipinfo') + count($world, 'ipwhois'), 0, 'nobody else was asked');
};

done_testing;
