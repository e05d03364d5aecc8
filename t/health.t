# The health checks: public, exact, and under any path.
use strict;
use warnings;

use Test::More;

use BotApi;
use Sentinel;
use VpsHttpd;

my $error_documents = join '', map { "ErrorDocument $_ replaced\n" } 401, 404, 405;

# No key is configured: the API is closed, health is not.
my $httpd = VpsHttpd->start(conf => "VPNSentinelAPI\nVPNSentinelHealth\n$error_documents",
    files => { 'htdocs/healthy.html' => 'a page' });

my %as_json = (headers => { Accept => 'application/json' });

for my $path ('/health', '/healthz') {
    subtest $path => sub {
        for my $accept ('*/*', 'application/json') {
            my $answer = $httpd->request('GET', $path, { headers => { Accept => $accept } });
            is($answer->{status}, 200, "Accept $accept: 200");
            is($answer->{content}, 'OK', '... OK, nothing else');
            like($answer->{headers}{'content-type'}, qr{\Atext/plain\b}, '... Content-Type');
            is($answer->{headers}{'cache-control'}, 'no-store', '... Cache-Control');
        }
        my $answer = $httpd->request('HEAD', $path);
        is($answer->{status}, 200, 'HEAD');
        is($answer->{content} // '', '', '... no body');
        is($answer->{headers}{'content-length'}, 2, '... Content-Length');
        for my $method (qw(POST PUT DELETE)) {
            $answer = $httpd->request($method, $path, { content => 'x' x 100 });
            is($answer->{status}, 405, $method);
            is($answer->{headers}{allow}, 'GET, HEAD', '... Allow');
            unlike($answer->{content}, qr/replaced/, '... in our words');
        }
    };
}

my %all_ok = (registry => 'ok', store => 'ok', monitor => 'ok', telegram => 'off', webhooks => 'off');
my %checks = (live => {}, ready => \%all_ok, startup => \%all_ok);

# Waits until a probe answers so.
sub becomes {
    my ($server, $path, $expected) = @_;
    return $server->wait_for(sub { $server->request('GET', $path)->{status} == $expected });
}

# What does not work, as a probe tells it.
sub unavailable {
    my ($server, $probe) = @_;
    my ($status, $body) = $server->json('GET', "/health/$probe", \%as_json);
    my @names = grep { !/\A(?:telegram|webhooks)\z/ && $body->{checks}{$_} ne 'ok' } sort keys %{ $body->{checks} };
    my $expected = @names ? '503 unavailable' : '200 ok';
    return "$status $body->{status} @names" if "$status $body->{status}" ne $expected;
    return join ' ', @names;
}

ok(becomes($httpd, '/health/ready', 200), 'ready after some time');

for my $probe (sort keys %checks) {
    subtest "/health/$probe" => sub {
        my $answer = $httpd->request('GET', "/health/$probe");
        is($answer->{status}, 200, 'text');
        is($answer->{content}, 'OK', '... OK, nothing else');
        like($answer->{headers}{'content-type'}, qr{\Atext/plain\b}, '... Content-Type');

        (my $status, my $body, $answer) = $httpd->json('GET', "/health/$probe", \%as_json);
        is($status, 200, 'JSON');
        is($answer->{headers}{'content-type'}, 'application/json', '... Content-Type');
        is($answer->{headers}{'cache-control'}, 'no-store', '... Cache-Control');
        is_deeply($body, { status => 'ok', checks => $checks{$probe} }, '... body');
        (undef, $body) = $httpd->json('GET', "/health/$probe",
            { headers => { Accept => 'text/html, application/json;q=0.9' } });
        is($body->{status}, 'ok', 'JSON among others');

        $answer = $httpd->request('HEAD', "/health/$probe");
        is($answer->{status}, 200, 'HEAD');
        is($answer->{content} // '', '', '... no body');
        $answer = $httpd->request('POST', "/health/$probe");
        is($answer->{status}, 405, 'POST');
    };
}

subtest 'other paths' => sub {
    for my $path ('/health/nothing', '/health/live/x', '/healthz/nothing', '/health/Live') {
        my $answer = $httpd->request('GET', $path);
        is($answer->{status}, 404, $path);
        isnt($answer->{content}, 'replaced', '... in our words');
    }
    my $answer = $httpd->request('GET', '/healthy.html');
    is($answer->{content}, 'a page', 'a page whose name only begins so');
};

subtest 'the API beside it is closed' => sub {
    is($httpd->request('GET', '/api/v1/status')->{status}, 401, 'no key');
};
$httpd->check_error_log(allow => [qr/VPNSentinelAPIKey/]);

subtest 'a monitor that hangs' => sub {
    my $other = VpsHttpd->start(conf => "VPNSentinelHealth\nVPNSentinelCheckInterval 1\n");
    ok(becomes($other, '/health/ready', 200), 'ready');
    my $monitor = $other->wait_for_monitor;
    kill 'STOP', $monitor;
    ok(becomes($other, '/health/ready', 503), 'not ready any more');
    is(unavailable($other, $_), 'monitor', '... says why') for 'ready', 'startup';
    is($other->request('GET', '/health/ready')->{content}, 'UNAVAILABLE', '... as text');
    is($other->request('GET', $_)->{content}, 'OK', "$_ all the same")
        for '/health', '/health/live';
    kill 'CONT', $monitor;
    ok(becomes($other, '/health/ready', 200), 'ready again');
    $other->stop;
    $other->check_error_log;
};

subtest 'a store that cannot be opened' => sub {
    my $other = VpsHttpd->start(conf => "VPNSentinelHealth\nVPNSentinelStateDir in/the/way\n",
        files => { 'in/the/way' => 'a file' });
    ok($other->wait_for(sub { unavailable($other, 'ready') eq 'store' }), 'not ready; says why');
    is(unavailable($other, 'startup'), 'store', 'nor is the start over');
    $other->stop;
    $other->check_error_log(allow => [qr/VPNS\d+: the store: /]);
};

subtest 'a store that is lost' => sub {
    my $other = VpsHttpd->start(conf => "VPNSentinelHealth\n");
    ok(becomes($other, '/health/ready', 200), 'ready');
    my $folder = $other->root . '/state';
    rename $folder, "$folder.away" or die "rename: $!";
    ok(becomes($other, '/health/ready', 503), 'not ready any more');
    is(unavailable($other, 'ready'), 'store', '... says why');
    is(unavailable($other, 'startup'), '', 'the start is over all the same');
    rename "$folder.away", $folder or die "rename: $!";
    ok(becomes($other, '/health/ready', 200), 'ready again');
    $other->stop;
    $other->check_error_log(allow => [qr/VPNS\d+: the store: /]);
};

subtest 'alerts in words' => sub {
    my $bot = BotApi->start;
    my $server = Sentinel->start(conf => $bot->conf . "VPNSentinelHealth\n");
    my $says = sub {
        my ($expected, $name) = @_;
        my $words = '';
        my $said = $server->wait_for(sub {
            my ($status, $body) = $server->json('GET', '/health/ready', \%as_json);
            return $status == 200 && ($words = $body->{checks}{telegram}) =~ /\A$expected\z/;
        });
        ok($said, $name) or diag $words;
    };
    my $time = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;
    $bot->wait_for_messages(1);
    $says->(qr/ok/, 'all is sent');
    $bot->wait_for_reply($bot->say('/mute 1h'));
    $says->(qr/ok, muted until $time/, 'muted');
    $server->keepalive({ client_id => 'office', public_ip => '203.0.113.1' });
    $says->(qr/1 queued since $time, last success $time, muted until $time/, 'one waits');
    $bot->wait_for_reply($bot->say('/unmute'));
    $says->(qr/ok/, 'not muted');
    $bot->fail(401, method => 'getUpdates', description => 'Unauthorized');
    $bot->say('hello');    # ends the poll under way
    $says->(qr/ok, the bot hears nothing: HTTP 401: Unauthorized/, 'nobody is heard');
    $bot->fail(401, method => 'sendMessage', description => 'Unauthorized');
    $server->keepalive({ client_id => 'office', public_ip => '203.0.113.2' });
    my $refusal = qr/HTTP 401: Unauthorized/;
    $says->(qr/1 queued since $time, last success $time: $refusal, the bot hears nothing: $refusal/, 'nothing works');
    $server->stop;
    $server->check_error_log(allow => [ qr/VPNS0060/, qr/VPNS0063/ ]);
};

subtest 'no store' => sub {
    my $other = VpsHttpd->start(conf => "VPNSentinelHealth\nVPNSentinelStateDir none\n");
    ok(becomes($other, '/health/ready', 200), 'ready');
    is(unavailable($other, $_), '', "$_: nothing is missing") for 'ready', 'startup';
    $other->stop;
    $other->check_error_log;
};

for my $mount ('/vpn', '/vpn/', '/a/b') {
    subtest "VPNSentinelHealth $mount" => sub {
        my $base = $mount =~ s{/\z}{}r;
        my $other = VpsHttpd->start(conf => "VPNSentinelHealth $mount\n",
            files => { 'htdocs/health' => 'a file' });
        ok(becomes($other, "$base/health/ready", 200), 'ready after some time');
        is($other->request('GET', "$base$_")->{content}, 'OK', "$base$_")
            for '/health', '/healthz', '/health/live', '/health/ready', '/health/startup';
        is($other->request('GET', "$base/health/nothing")->{status}, 404, 'unknown below it');
        is($other->request('GET', $base)->{status}, 404, 'the base itself is not claimed');
        is($other->request('GET', '/health')->{content}, 'a file', '/health is the file system\'s');
        $other->check_error_log;
    };
}

done_testing;
