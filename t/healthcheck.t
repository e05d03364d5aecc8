# How the client daemon lets its machine know how it is: --healthcheck and the health port.
use strict;
use warnings;
use utf8;

use File::Temp qw(tempdir);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);

use ClientDaemon;
use StandIn;
use VpsHttpd;

my $world = StandIn->start;

sub environment {
    my (%more) = @_;
    return {
        (map { ("VPN_SENTINEL_${_}_URL" => $world->url) } qw(SERVER IPINFO IPAPI TRACE)),
        VPN_SENTINEL_CHECK_INTERVAL => 3600, VPN_SENTINEL_TIMEOUT => 300, %more,
    };
}

sub start_client {
    my (%more) = @_;
    return ClientDaemon->start(env => environment(%more));
}

# The log has it a moment before the others.
sub start_accepted {
    my $client = start_client(@_);
    ok($client->wait_for_log(qr/Keepalive accepted/), 'a report was accepted');
    ok(wait_for_health($client, $client->path('run'), 0, qr/./), 'which is known');
    return $client;
}

# As a container would ask for the daemon that leaves its word in $folder.
sub healthcheck {
    my ($folder, %option) = @_;
    return ClientDaemon->run(
        args => ['--healthcheck'], env => { VPN_SENTINEL_RUN_DIR => $folder, %{ $option{env} // {} } },
        config => $option{config} // '');
}

# Until that is the exit status, and the line is like that.
sub wait_for_health {
    my ($client, $folder, $status, $line) = @_;
    return $client->wait_for(sub {
        my $done = healthcheck($folder);
        return $done->{status} == $status && $done->{out} =~ /$line/;
    });
}

# Exit status and output.
sub check {
    my $done = healthcheck(@_);
    is($done->{out} =~ tr/\n//, 1, 'one line');
    is($done->{err}, '', 'and nothing else');
    return wantarray ? ($done->{status}, $done->{out}) : $done->{status};
}

sub is_unhealthy {
    my ($folder, $told, $name) = @_;
    my ($status, $line) = check($folder);
    is($status, 1, $name);
    return like($line, qr/^unhealthy: $told/, 'says why');
}

# Not one of those that the kernel gives to connections: it must be free for a while.
sub free_port { return (VpsHttpd->free_ports(1))[0] }

# Status and "status" of the health port.
sub ask {
    my ($port, $path, %option) = @_;
    my $http = HTTP::Tiny->new(timeout => 20, proxy => undef, http_proxy => undef, all_proxy => undef);
    my $answer = $http->request($option{method} // 'GET', "http://@{[$option{host} // '127.0.0.1']}:$port$path");
    my $body = eval { JSON::PP->new->decode($answer->{content}) } // {};
    return wantarray ? ($answer->{status}, $body->{status}, $answer) : "$answer->{status} " . ($body->{status} // '');
}

# --- --healthcheck --------------------------------------------------------------------------------

subtest 'a healthy daemon' => sub {
    my $client = start_accepted;
    my ($status, $line) = check($client->path('run'));
    is($status, 0, 'healthy');
    my $pid = $client->pid;
    like($line, qr/^healthy: the last .* report of the daemon \(process $pid\) is \d+ s old, the interval 3600 s$/);
    is($client->end, 0);
    is_unhealthy($client->path('run'), qr/.*no daemon is running/, 'it has ended');
    ok(!-e $client->path('run/state'), 'and left no file');
};

subtest 'one that reports in vain' => sub {
    $world->misbehave(keepalive => { status => 503 });
    my $client = start_client(VPN_SENTINEL_CHECK_INTERVAL => 1);
    ok($client->wait_for_log(qr/Server fails/));
    is_unhealthy($client->path('run'), qr/no report .* was accepted yet/, 'never accepted');
    $world->behave('keepalive');
    ok(wait_for_health($client, $client->path('run'), 0, qr/./), 'accepted');
    $world->misbehave(keepalive => { status => 503 });
    ok(wait_for_health($client, $client->path('run'), 1, qr/./), 'for a while no longer accepted');
    is_unhealthy($client->path('run'), qr/the last accepted report .* is (?:[3-9]|\d\d+) s old, the interval 1 s/, 'told so');
    $world->behave('keepalive');
    is($client->end, 0);
};

subtest 'one that hangs, one that was killed' => sub {
    my $client = start_accepted(VPN_SENTINEL_CHECK_INTERVAL => 1);
    my $folder = $client->path('run');
    $client->signal('STOP');
    ok(wait_for_health($client, $folder, 1, qr/./), 'hangs');
    $client->signal('CONT');
    ok(wait_for_health($client, $folder, 0, qr/./), 'goes on');
    $client->signal('KILL');
    is($client->wait_exit, 'signal 9', 'killed');
    ok(-e "$folder/state", 'its file is still there');
    is_unhealthy($folder, qr/.*no daemon is running/, 'but counts for nothing');

    $world->misbehave(keepalive => { hang => 1 });
    my $next = start_client(VPN_SENTINEL_RUN_DIR => $folder);
    ok($next->wait_for_log(qr/started/));
    ok(wait_for_health($next, $folder, 1, qr/no report .* was accepted yet/), 'nor for the next daemon');
    is($next->end, 0);
    $world->behave('keepalive');
};

subtest 'what it needs' => sub {
    my $client = start_accepted;
    my $folder = $client->path('run');
    is(scalar check($folder, env => { VPN_SENTINEL_API_KEY_FILE => '/nonexistent/key' }), 0, 'no key');
    is(scalar check($folder, env => { VPN_SENTINEL_SERVER_URL => 'nonsense' }), 0, 'no server');
    is(scalar check('', config => "VPN_SENTINEL_RUN_DIR=$folder\n"), 0, 'the folder from the file');
    is(scalar check($folder, config => "VPN_SENTINEL_RUN_DIR=/nonexistent\n"), 0, 'the environment beats it');
    my ($status, $line) = check('', config => "nonsense\n");
    is($status, 1, 'a bad file');
    like($line, qr/^unhealthy: .*client\.conf, line 1: not NAME=value/, 'is told');
    is($client->end, 0);
    is_unhealthy('/nonexistent', qr{/nonexistent: No such file or directory$}, 'no folder');
};

subtest 'a folder that cannot be written' => sub {
    my $client = start_client(VPN_SENTINEL_RUN_DIR => '/dev/null/run', VPN_SENTINEL_CHECK_INTERVAL => 1);
    ok($client->wait_for_log(qr/Keepalive accepted/, 3), 'does not keep the daemon from reporting');
    my @told = grep { /--healthcheck will fail/ } $client->log;
    is(scalar @told, 1, 'told once');
    like($told[0], qr{\[health\] ⚠️ .*: /dev/null/run cannot be made: Not a directory$});
    is($client->end, 0);

    $client = start_accepted(VPN_SENTINEL_CHECK_INTERVAL => 1);
    my $folder = $client->path('run');
    my $second = start_client(VPN_SENTINEL_RUN_DIR => $folder, VPN_SENTINEL_CHECK_INTERVAL => 1);
    ok($second->wait_for_log(qr/--healthcheck will fail, .*: \Q$folder\E is in use by another daemon$/), 'it is taken');
    is($client->end, 0);
    ok($second->wait_for_log(qr/The state for --healthcheck is written again after \d+ s/), 'it is free again');
    ok(wait_for_health($second, $folder, 0, qr/./), 'and serves');
    is($second->end, 0);
};

subtest 'a reload' => sub {
    my $config = sub { "VPN_SENTINEL_CHECK_INTERVAL=$_[0]\nVPN_SENTINEL_RUN_DIR=$_[1]\n" };
    my $base = tempdir('healthcheck-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my ($old, $new) = map { "$base/$_" } qw(old new);
    my $client = ClientDaemon->start(
        env => environment(VPN_SENTINEL_CHECK_INTERVAL => '', VPN_SENTINEL_RUN_DIR => ''),
        config => $config->(50, $old));
    ok($client->wait_for_log(qr/started/));
    for my $step ([100, $old], [200, $old], [300, $new]) {
        my ($interval, $folder) = @$step;
        $client->configure($config->($interval, $folder));
        $client->signal('HUP');
        ok(wait_for_health($client, $folder, 0, qr/the interval $interval s$/), "interval $interval");
    }
    is_unhealthy($old, qr/.*no daemon is running/, 'the old folder is left');
    is($client->end, 0);
};

# --- the health port ------------------------------------------------------------------------------

subtest 'off by default' => sub {
    plan skip_all => 'no /proc here' unless -r '/proc/net/tcp';
    my $client = start_accepted;
    my %socket = map { (readlink($_) // '') =~ /^socket:\[(\d+)\]$/ ? ($1 => 1) : () }
        glob '/proc/' . $client->pid . '/fd/*';
    my @listening = map { (split)[3] eq '0A' ? (split)[9] : () } `cat /proc/net/tcp /proc/net/tcp6 2>/dev/null`;
    cmp_ok(scalar @listening, '>', 0, 'the stand-in listens');
    is_deeply([grep { $socket{$_} } @listening], [], 'the daemon does not');
    is($client->end, 0);
};

subtest 'what it tells' => sub {
    my $port = free_port();
    my $client = start_accepted(VPN_SENTINEL_HEALTH_PORT => $port);
    my ($status, $word, $answer) = ask($port, '/client/health');
    is($status, 200);
    is($word, 'healthy');
    is($answer->{headers}{'content-type'}, 'application/json', 'as JSON');
    like($answer->{content}, qr/"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"/, 'with a time stamp');
    is(scalar ask($port, '/client/health/ready'), '200 ready');
    is(scalar ask($port, '/client/health/startup'), '200 started');
    is((ask($port, '/client/health', method => 'HEAD'))[0], 200, 'HEAD');
    is((ask($port, $_))[0], 404, "$_ is not found") for '/', '/client', '/client/health/', '/client/health/live';
    for my $method (qw(POST PUT DELETE OPTIONS)) {
        my ($status, undef, $answer) = ask($port, '/client/health', method => $method);
        is($status, 405, $method);
        is($answer->{headers}{allow}, 'GET, HEAD');
    }
    SKIP: {
        skip 'no IPv6 here', 1 unless -e '/proc/net/if_inet6' && `cat /proc/net/if_inet6` =~ /^0{31}1 /m;
        is(scalar ask($port, '/client/health', host => '[::1]'), '200 healthy', 'on ::1 too');
    }
    is($client->end, 0);
};

subtest 'it answers whatever the daemon is doing' => sub {
    my $port = free_port();
    for my $service (qw(trace ipinfo keepalive)) {
        $world->misbehave($service => { hang => 1 });
        my $before = () = $world->requests($service);
        my $client = start_client(VPN_SENTINEL_HEALTH_PORT => $port);
        ok($client->wait_for(sub { (() = $world->requests($service)) > $before }), "in a request to $service");
        is(scalar ask($port, '/client/health'), '200 healthy', 'alive');
        is(scalar ask($port, '/client/health/startup'), '503 not_started', 'the first round goes on');
        is(scalar ask($port, '/client/health/ready'), '503 not_ready', 'nothing was accepted');
        is($client->end, 0, 'and a stop is heeded');
        $world->behave($service);
    }
};

subtest 'slow, silent and many clients' => sub {
    my $port = free_port();
    my $client = start_accepted(VPN_SENTINEL_HEALTH_PORT => $port, VPN_SENTINEL_CHECK_INTERVAL => 1);
    my $connect = sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Blocking => 0) };
    my @silent = map { $connect->() } 1 .. 100;
    my $slow = $connect->();
    for my $byte (split //, 'GET /client/health') {
        syswrite $slow, $byte if $slow;
        sleep 0.01;
    }
    my $accepted = grep { /Keepalive accepted/ } $client->log;
    ok($client->wait_for_log(qr/Keepalive accepted/, $accepted + 3), 'the rounds go on');
    ok($client->wait_for(sub { ask($port, '/client/health') eq '200 healthy' }), 'who asks gets an answer');
    is($client->end, 0, 'and a stop is heeded');
};

subtest 'a port that is taken' => sub {
    my $holder = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1) or die "port: $!";
    my $port = $holder->sockport;
    my $client = start_accepted(VPN_SENTINEL_HEALTH_PORT => $port, VPN_SENTINEL_CHECK_INTERVAL => 1);
    ok($client->wait_for_log(qr/Keepalive accepted/, 3), 'the daemon goes on');
    my @told = grep { /Cannot listen on health port $port: Address already in use/ } $client->log;
    is(scalar @told, 1, 'told once');
    close $holder;
    ok($client->wait_for_log(qr/Health port: 127\.0\.0\.1:$port$/), 'it takes the port when it is free');
    ok($client->wait_for(sub { ask($port, '/client/health/ready') eq '200 ready' }), 'and serves');
    is($client->end, 0);
};

subtest 'a port that is changed' => sub {
    my ($one, $two) = (free_port(), free_port());
    my $client = ClientDaemon->start(env => environment(), config => "VPN_SENTINEL_HEALTH_PORT=$one\n");
    ok($client->wait_for_log(qr/Keepalive accepted/));
    is(scalar ask($one, '/client/health'), '200 healthy');
    $client->configure("VPN_SENTINEL_HEALTH_PORT=$two\n");
    $client->signal('HUP');
    ok($client->wait_for(sub { ask($two, '/client/health') eq '200 healthy' }), 'the new one');
    is((ask($one, '/client/health'))[0], 599, 'the old one is closed');
    $client->configure('');
    $client->signal('HUP');
    ok($client->wait_for(sub { (ask($two, '/client/health'))[0] == 599 }), 'none any more');
    is($client->end, 0);
};

done_testing;
