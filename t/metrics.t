# Metrics: both formats to the letter, every number moved by its cause, no more clients than allowed.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;

use BotApi;
use Exposition;
use Sentinel;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output, Test::More->builder->failure_output;

my %TYPE = (
    text => 'text/plain; version=0.0.4; charset=utf-8',
    openmetrics => 'application/openmetrics-text; version=1.0.0; charset=utf-8',
);
my $NO = JSON::PP::false;
my $KILLED = qr/VPNS\d+: the monitor was ended by signal 9/;

# The metrics in one format, well-formed; path: /metrics unless another is given.
sub scrape {
    my ($server, $format, $path) = @_;
    my $answer = $server->request('GET', $path // '/metrics', { headers => { Accept => $TYPE{ $format // 'text' } } });
    my $metrics = Exposition->parse($answer->{content}, $format // 'text');
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    if ($answer->{status} != 200 || $metrics->faults) {
        fail('the metrics are well-formed');
        diag "$answer->{status}: ", join "\n", $metrics->faults;
    }
    return $metrics;
}

# The value, once it is this one, or as it is when that takes too long.
sub becomes {
    my ($server, $expected, @sample) = @_;
    my $value;
    $server->wait_for(sub {
        $value = scrape($server)->value(@sample);
        return defined $value && $value == $expected;
    });
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return cmp_ok($value // -1, '==', $expected, "@sample");
}

# --- how it is told -------------------------------------------------------------------------------

my $sentinel = Sentinel->start(conf => "VPNSentinelMetrics\nVPNSentinelMaxClients 77\n"
        . "VPNSentinelServerPublicIP 203.0.113.43\n"
        . "ErrorDocument 404 replaced\nErrorDocument 405 replaced\n");

subtest 'formats' => sub {
    my $text = $TYPE{text};
    my $openmetrics = $TYPE{openmetrics};
    my $prometheus2 = 'application/openmetrics-text;version=1.0.0,application/openmetrics-text;'
        . 'version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
    my $prometheus3 = 'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,'
        . 'application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;'
        . 'escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
    my @case = (
        [ undef, $text ],
        [ '', $text ],
        [ '*/*', $text ],
        [ 'text/html', $text ],
        [ $prometheus2, $openmetrics ],
        [ $prometheus3, $openmetrics ],
        [ 'application/openmetrics-text', $openmetrics ],
        [ 'application/openmetrics-text;q=0.4, text/plain;q=0.5', $text ],
        [ 'application/openmetrics-text;q=0.5, text/plain;q=0.4', $openmetrics ],
        [ 'application/openmetrics-text;q=0, */*', $text ],
        [ 'text/plain;q=0, */*;q=0.1', $openmetrics ],
    );
    for (@case) {
        my ($accept, $expected) = @$_;
        my %header = defined $accept ? (Accept => $accept) : ();
        my $answer = $sentinel->request('GET', '/metrics', { headers => \%header });
        is($answer->{status}, 200, $accept // 'no Accept');
        is($answer->{headers}{'content-type'}, $expected, '... Content-Type');
        is($answer->{headers}{vary}, 'Accept', '... Vary');
        is($answer->{headers}{'cache-control'}, 'no-store', '... Cache-Control');
        is($answer->{content} =~ /^# EOF$/m ? 1 : 0, $expected eq $openmetrics ? 1 : 0, '... the format');
    }
};

subtest 'well-formed' => sub {
    # One scrape is compared with the next: before its first look the monitor tells less.
    becomes($sentinel, 1, 'vpnsentinel_monitor_up');
    becomes($sentinel, 1, 'vpnsentinel_store_state', state => 'ok');
    $sentinel->keepalive({ client_id => 'one', client_version => '1.2.3' });
    my %metrics = map { $_ => scrape($sentinel, $_) } sort keys %TYPE;
    is_deeply([ $metrics{$_}->faults ], [], $_) for sort keys %metrics;
    is_deeply([ $metrics{text}->families ], [ $metrics{openmetrics}->families ], 'the same families in both');
    for my $family ($metrics{text}->families) {
        my @samples = map { [ map { $_->{labels} } $metrics{$_}->samples($family) ] } qw(text openmetrics);
        is_deeply($samples[0], $samples[1], "$family: the same samples");
        is($metrics{text}->family($family)->{help}, $metrics{openmetrics}->family($family)->{help}, '... and words');
    }
};

subtest 'as documented' => sub {
    open(my $file, '<', ($ENV{VPS_SRCDIR} // '.') . '/docs/metrics.md') or die "docs/metrics.md: $!";
    my @documented = join('', <$file>) =~ /^\| `(vpnsentinel_\w+)/mg;
    is_deeply([ sort { $a cmp $b } scrape($sentinel)->families ], [ sort { $a cmp $b } @documented ],
        'docs/metrics.md has each metric, once, and no other');
};

subtest 'paths and methods' => sub {
    is($sentinel->request('GET', $_)->{status}, 200, $_) for '/metrics', '/metrics/', '/metrics?x=y';
    for ('/metrics/one', '/metrics/metrics') {
        my $answer = $sentinel->request('GET', $_);
        is($answer->{status}, 404, $_);
        unlike($answer->{content}, qr/replaced/, '... in our words');
    }
    my $answer = $sentinel->request('HEAD', '/metrics');
    is($answer->{status}, 200, 'HEAD');
    is($answer->{content} // '', '', '... no body');
    for my $method (qw(POST PUT DELETE)) {
        $answer = $sentinel->request($method, '/metrics', { content => 'x' });
        is($answer->{status}, 405, $method);
        is($answer->{headers}{allow}, 'GET, HEAD', '... Allow');
        unlike($answer->{content}, qr/replaced/, '... in our words');
    }
};

# --- the server -----------------------------------------------------------------------------------

subtest 'the server' => sub {
    my $metrics = scrape($sentinel);
    my (undef, $status) = $sentinel->api('GET', '/status');
    is($metrics->value('vpnsentinel_build_info', version => $status->{version}), 1, 'version');
    like($metrics->value('vpnsentinel_start_time_seconds'), qr/\A1\d{9}\z/, 'start of service');
    is($metrics->value('vpnsentinel_registry_clients_max'), 77, 'room of the registry');
    is($metrics->value('vpnsentinel_server_public_ip_known', ip_version => $_->[0]), $_->[1],
        "public IPv$_->[0]") for [ 4, 1 ], [ 6, 0 ];
    becomes($sentinel, 1, 'vpnsentinel_monitor_up');
    becomes($sentinel, 1, 'vpnsentinel_store_state', state => 'ok');
    $metrics = scrape($sentinel);
    is($metrics->value('vpnsentinel_store_state', state => $_), 0, "the store is not $_") for qw(degraded off);
    is($metrics->value('vpnsentinel_monitor_starts_total'), 1, 'one monitor began');
    is($metrics->value('vpnsentinel_notifications_enabled'), 0, 'Telegram is off');
    is($metrics->value("vpnsentinel_notifications_$_"), 0, $_) for qw(sent_total failed_total queued);
    is_deeply([ $metrics->samples("vpnsentinel_notifications_${_}_timestamp_seconds") ], [],
        "$_: nothing is said of what never was") for qw(oldest_queued last_success);
};

subtest 'the monitor' => sub {
    my $metrics = scrape($sentinel);
    my $loops = $metrics->value('vpnsentinel_monitor_loops_total');
    like($metrics->value('vpnsentinel_monitor_last_run_timestamp_seconds'), qr/\A1\d{9}\z/, 'last run');
    my ($monitor) = $sentinel->monitors;
    kill 'KILL', $monitor;
    ok($sentinel->wait_for_monitor($monitor), 'another one comes when it is killed');
    becomes($sentinel, 2, 'vpnsentinel_monitor_starts_total');
    becomes($sentinel, 1, 'vpnsentinel_monitor_up');
    ok($sentinel->wait_for(sub { scrape($sentinel)->value('vpnsentinel_monitor_loops_total') > $loops }),
        'its loops are added to those of the first');
};

# --- requests -------------------------------------------------------------------------------------

subtest 'keepalives' => sub {
    my $before = scrape($sentinel)->value('vpnsentinel_keepalives_total');
    is($before, 1, 'one until now');
    $sentinel->keepalive({ client_id => 'one' }) for 1 .. 3;
    is(scrape($sentinel)->value('vpnsentinel_keepalives_total'), 4, 'each counts');
    $sentinel->api('POST', '/register', { content => { client_id => 'registered' } });
    $sentinel->keepalive({ client_id => '' });
    is(scrape($sentinel)->value('vpnsentinel_keepalives_total'), 4, 'nothing else does');
};

# How much each reason grew.
sub grown {
    my ($server, $cause) = @_;
    my @count = map {
        $cause->() if $_;
        my $metrics = scrape($server);
        +{ map { $_->{labels}{reason} => $_->{value} } $metrics->samples('vpnsentinel_requests_refused_total') };
    } 0, 1;
    return { map { $_ => $count[1]{$_} - $count[0]{$_} }
            grep { $count[1]{$_} != $count[0]{$_} } keys %{ $count[1] } };
}

subtest 'refusals' => sub {
    my %cause = (
        key => [ 'POST', '/keepalive', { headers => { 'X-API-Key' => 'wrong' }, content => '{}' } ],
        not_found => [ 'GET', '/nothing' ],
        method => [ 'PUT', '/keepalive', { content => '{}' } ],
        content_type => [ 'POST', '/keepalive', { headers => { 'Content-Type' => 'text/html' }, content => '{}' } ],
        size => [ 'POST', '/keepalive', { content => '{"client_id":"' . 'x' x 20_000 . '"}' } ],
        content => [ 'POST', '/keepalive', { content => '{"client_id":7}' } ],
    );
    for my $reason (sort keys %cause) {
        is_deeply(grown($sentinel, sub { $sentinel->api(@{ $cause{$reason} }) }), { $reason => 1 }, $reason);
    }
    is_deeply(grown($sentinel, sub { $sentinel->api('GET', '/clients') }), {}, 'no refusal');
};

subtest 'refusals that take a configuration' => sub {
    my %case = (
        rate_limit => [ "VPNSentinelRateLimit 1\n", 1 ],
        registry_full => [ "VPNSentinelMaxClients 1\n", 1 ],
        allow_list => [ "VPNSentinelAllowedIPs 192.0.2.1\n", 2 ],
    );
    for my $reason (sort keys %case) {
        my ($conf, $expected) = @{ $case{$reason} };
        my $other = Sentinel->start(conf => "VPNSentinelMetrics\n$conf");
        my $grown = grown($other, sub { $other->keepalive({ client_id => $_ }) for qw(one two) });
        is_deeply($grown, { $reason => $expected }, $reason);
        is(scrape($other)->value('vpnsentinel_registry_clients_max'), 1, 'its room')
            if $reason eq 'registry_full';
        $other->check_error_log(allow => [qr/VPNS0030/]);
    }
};

# --- clients --------------------------------------------------------------------------------------

my %good = (location => 'DE', dns_loc => 'Germany', public_ip => '203.0.113.7');

subtest 'how clients are' => sub {
    my %conditions = (
        green => [ {%good}, [] ],
        leak => [ { %good, dns_loc => 'FR' }, ['dns_leak'] ],
        unknown => [ {}, ['dns_unknown'] ],
        bypass => [ { %good, public_ip => '203.0.113.43' }, ['bypass'] ],
        down => [ { %good, vpn_connected => $NO }, ['vpn_down'] ],
        leak6 => [ { %good, ipv6_verdict => 'leak' }, ['ipv6_leak'] ],
        several => [ { public_ip => '203.0.113.43', vpn_connected => $NO }, [qw(bypass dns_unknown vpn_down)] ],
    );
    $sentinel->api('DELETE', "/clients/$_") for qw(one registered);
    $sentinel->keepalive({ client_id => $_, %{ $conditions{$_}[0] } }) for sort keys %conditions;
    $sentinel->api('POST', '/register', { content => { client_id => 'never' } });
    $conditions{never} = [ undef, ['offline'] ];
    my $metrics = scrape($sentinel);
    for my $id (sort keys %conditions) {
        my @samples = grep { $_->{labels}{client_id} eq $id } $metrics->samples('vpnsentinel_client_condition');
        is(scalar @samples, 6, "$id: each condition has a sample");
        is_deeply([ sort map { $_->{labels}{condition} } grep { $_->{value} } @samples ], $conditions{$id}[1],
            '... those that hold are 1');
        my (undef, $client) = $sentinel->api('GET', "/clients/$id");
        is_deeply([ sort @{ $client->{conditions} } ], $conditions{$id}[1], '... as the API says');
    }
    my @census = ([ online => green => 1 ], [ online => yellow => 2 ], [ online => red => 4 ], [ offline => grey => 1 ]);
    is($metrics->value('vpnsentinel_clients', status => $_->[0], light => $_->[1]), $_->[2], "$_->[1]: $_->[2]")
        for @census;
    is($metrics->value('vpnsentinel_registry_clients'), 8, 'all together');
    is($metrics->value('vpnsentinel_clients_omitted'), 0, 'none is left out');
    my $seen = 'vpnsentinel_client_last_seen_timestamp_seconds';
    like($metrics->value($seen, client_id => 'green'), qr/\A1\d{9}\z/, 'last seen');
    is($metrics->value($seen, client_id => 'never'), undef, '... nothing is said of who never was');
};

subtest 'what clients say' => sub {
    my %report = (
        public_ip => '203.0.113.9',
        public_ip6 => '2001:DB8::9',
        location => 'JP',
        country => 'Japan',
        city => "\x{6771}\x{4eac}",
        provider => 'AT&T "x" \\n {a="b"}, ',
        dns_loc => 'JP',
        client_version => '1.2.3',
    );
    $sentinel->keepalive({ client_id => 'told', %report });
    my %label = (%report, public_ip6 => '2001:db8::9', version => '1.2.3', dns_location => 'JP');
    delete @label{qw(client_version dns_loc)};
    for my $format (sort keys %TYPE) {
        my $metrics = scrape($sentinel, $format);
        is($metrics->value('vpnsentinel_client_info', client_id => 'told', %label), 1, "$format: all of it");
        is($metrics->value('vpnsentinel_client_info', client_id => 'unknown'), 1,
            '... what is not known has no label');
    }
};

subtest 'hostile texts' => sub {
    my @texts = ('"', '\\', '\\\\"', '"} 1', 'x="y",client_id="other', '# EOF', "\x{202e}\x{10fffd}", "'", '\\n');
    for my $text (@texts) {
        $sentinel->keepalive({ client_id => 'hostile', city => $text, provider => $text });
        for my $format (sort keys %TYPE) {
            my $metrics = scrape($sentinel, $format);
            is($metrics->value('vpnsentinel_client_info', client_id => 'hostile', city => $text, provider => $text),
                1, "$format: $text");
        }
    }
};

# Also when the registry moves to a larger memory.
subtest 'over a reload' => sub {
    my @names = map { "vpnsentinel_$_" } qw(keepalives_total start_time_seconds registry_clients);
    my $before = scrape($sentinel);
    for my $max (77, 70_000) {
        my $conf = $sentinel->read_file('httpd.conf') =~ s/^VPNSentinelMaxClients \K\d+/$max/mr;
        $sentinel->write_file('httpd.conf', $conf);
        $sentinel->graceful;
        my $after = scrape($sentinel);
        is($after->value('vpnsentinel_registry_clients_max'), $max, "room for $max");
        is($after->value($_), $before->value($_), $_) for @names;
        cmp_ok($after->value('vpnsentinel_requests_refused_total', reason => 'key'), '>', 0, 'refusals');
        ok($sentinel->wait_for(sub { scrape($sentinel)->value('vpnsentinel_monitor_starts_total') > 2 }),
            'starts of the monitor');
    }
};
$sentinel->check_error_log(allow => [$KILLED]);

# --- not too many ---------------------------------------------------------------------------------

subtest 'as many clients as allowed, the worst first' => sub {
    my @kind = (
        [ green => {%good} ],
        [ yellow => {} ],
        [ red => { vpn_connected => $NO } ],
        [ grey => undef ],
    );
    # red, grey, yellow, green; of each light there are three.
    my @expected = ('grey1 red1 red2 red3', 4, 'grey1 grey2 grey3 red1 red2 red3 yellow1', 7, '', 0, undef, 12);
    while (my ($ids, $max) = splice @expected, 0, 2) {
        my $other = Sentinel->start(conf => "VPNSentinelMetrics\nVPNSentinelMetricsMaxClients $max\n");
        for my $number (1 .. 3) {
            for (@kind) {
                my ($name, $report) = @$_;
                my $content = { client_id => "$name$number", %{ $report // {} } };
                $other->api('POST', defined $report ? '/keepalive' : '/register', { content => $content });
            }
        }
        my $metrics = scrape($other);
        my %with = map { $_->{labels}{client_id} => 1 } $metrics->samples('vpnsentinel_client_condition');
        my %told = map { $_->{labels}{client_id} => 1 } $metrics->samples('vpnsentinel_client_info');
        is(join(' ', sort keys %with), $ids, "$max: which") if defined $ids;
        is_deeply(\%told, \%with, '... in each metric');
        is($metrics->value('vpnsentinel_clients_omitted'), 12 - $max, '... how many are left out');
        is($metrics->value('vpnsentinel_registry_clients'), 12, '... all are counted');
        $other->check_error_log;
    }
};

subtest 'the same ones each time' => sub {
    my $other = Sentinel->start(conf => "VPNSentinelMetrics\nVPNSentinelMetricsMaxClients 7\n");
    $other->keepalive({ client_id => "c-$_" }) for 1 .. 50;
    my @ids = map {
        join ' ', sort map { $_->{labels}{client_id} } scrape($other)->samples('vpnsentinel_client_info');
    } 1 .. 3;
    is(scalar(split / /, $ids[0]), 7, 'seven');
    is($_, $ids[0], 'again') for @ids[ 1, 2 ];
    $other->check_error_log;
};

# --- what the monitor looks after -----------------------------------------------------------------

subtest 'notifications' => sub {
    my $bot = BotApi->start;
    $bot->fail(500);
    my $other = Sentinel->start(conf => $bot->conf . "VPNSentinelMetrics\n");
    becomes($other, 1, 'vpnsentinel_notifications_enabled');
    becomes($other, 1, 'vpnsentinel_notifications_queued');
    my $metrics = scrape($other);
    my $oldest = 'vpnsentinel_notifications_oldest_queued_timestamp_seconds';
    like($metrics->value($oldest), qr/\A1\d{9}\z/, 'since when it waits');
    ok($other->wait_for(sub { scrape($other)->value('vpnsentinel_notifications_failed_total') >= 1 }), 'a try failed');
    is(scrape($other)->value('vpnsentinel_notifications_sent_total'), 0, 'none is delivered');
    # A digest: each alert counts.
    $other->keepalive({ client_id => "c-$_" }) for 1 .. 5;
    becomes($other, 6, 'vpnsentinel_notifications_queued');
    my ($monitor) = $other->monitors;
    $bot->behave('sendMessage');
    becomes($other, 6, 'vpnsentinel_notifications_sent_total');
    becomes($other, 0, 'vpnsentinel_notifications_queued');
    $metrics = scrape($other);
    is_deeply([ $metrics->samples($oldest) ], [], 'nothing waits, nothing is said of since when');
    my $success = 'vpnsentinel_notifications_last_success_timestamp_seconds';
    like($metrics->value($success), qr/\A1\d{9}\z/, 'the last success');
    cmp_ok(scalar $bot->alerts, '<', 6, 'there was a digest');
    my $sent = $metrics->value('vpnsentinel_notifications_sent_total');
    ok($bot->wait_for_reply($bot->say('/ping')), 'a question is answered');
    is(scrape($other)->value('vpnsentinel_notifications_sent_total'), $sent, '... which is no notification');
    is(scrape($other)->value('vpnsentinel_notifications_muted'), 0, 'not muted');
    $bot->say('/mute 1h');
    becomes($other, 1, 'vpnsentinel_notifications_muted');
    $bot->say('/unmute');
    becomes($other, 0, 'vpnsentinel_notifications_muted');
    kill 'KILL', $monitor;
    ok($other->wait_for_monitor($monitor), 'the monitor is killed');
    becomes($other, $sent, 'vpnsentinel_notifications_sent_total');
    $other->stop;
    $other->check_error_log(allow => [ $KILLED, qr/VPNS\d+: .*Telegram/ ]);
};

subtest 'the store' => sub {
    my $other = Sentinel->start(conf => "VPNSentinelMetrics\nVPNSentinelHealth\n");
    my $lag = 'vpnsentinel_store_lag_seconds';
    becomes($other, 1, 'vpnsentinel_store_state', state => 'ok');
    becomes($other, 0, $lag);
    my $folder = $other->root . '/state';
    rename $folder, "$folder.away" or die "rename: $!";
    $other->store_becomes('degraded', 'the folder is gone');
    is(scrape($other)->value('vpnsentinel_store_state', state => 'degraded'), 1, 'it is told');
    $other->keepalive({ client_id => 'one', public_ip => '203.0.113.1' });
    ok($other->wait_for(sub { scrape($other)->value($lag) > 1 }), 'a change waits to be recorded');
    my $first = scrape($other)->value($lag);
    $other->keepalive({ client_id => 'one', public_ip => '203.0.113.2' });
    $other->is_announced('one', 'connected ip_changed', 'the monitor has looked at the next');
    cmp_ok(scrape($other)->value($lag), '>', $first, 'the oldest counts, and it waits on');
    rename "$folder.away", $folder or die "rename: $!";
    $other->store_becomes('ok', 'the folder is back');
    becomes($other, 0, $lag);
    $other->check_error_log(allow => [qr/VPNS\d+: the store/]);

    my $none = Sentinel->start(conf => "VPNSentinelMetrics\nVPNSentinelStateDir none\n");
    becomes($none, 1, 'vpnsentinel_store_state', state => 'off');
    $none->keepalive({ client_id => 'one' });
    is(scrape($none)->value($lag), undef, 'nothing waits where nothing is recorded');
    $none->check_error_log;
};

# --- where it is ----------------------------------------------------------------------------------

subtest 'mounts' => sub {
    my $other = VpsHttpd->start(
        ports => 2,
        conf => "<VirtualHost *:\@PORT\@>\nVPNSentinelMetrics /vpn/metrics\n"
            . "<Location /vpn/metrics>\nRequire env allowed\n</Location>\n"
            . "SetEnvIf X-Allowed yes allowed\n</VirtualHost>\n"
            . "<VirtualHost *:\@PORT1\@>\nVPNSentinelMetrics /\nVPNSentinelAPI\n"
            . "VPNSentinelAllowedIPs 192.0.2.1\n</VirtualHost>\n",
        modules => ['setenvif', 'authz_host'],
    );
    is($other->request('GET', '/vpn/metrics')->{status}, 403, 'Require refuses');
    my %allowed = (headers => { 'X-Allowed' => 'yes' });
    is($other->request('GET', '/vpn/metrics', \%allowed)->{status}, 200, 'Require lets through');
    is($other->request('GET', '/metrics', \%allowed)->{status}, 404, 'nothing is elsewhere');
    my $answer = $other->request('GET', '/', { port => 1 });
    is($answer->{status}, 200, 'at the root; the guards of the API are not in the way');
    like($answer->{content}, qr/^vpnsentinel_clients\{/m, '... it is them');
    is($other->request('GET', '/api/v1/status', { port => 1 })->{status}, 403, '... which are there');
    $other->check_error_log(allow => [qr/AH01630|authz_core:error/, qr/VPNS0002/]);
};

done_testing;
