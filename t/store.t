# What outlives the server: clients, what was announced, messages to deliver.
use strict;
use warnings;
use utf8;

use Test::More;

use BotApi;
use Sentinel;

my $HEALTH = "VPNSentinelHealth\n";
my $SQLITE = `sqlite3 --version 2>/dev/null` ? 'sqlite3' : undef;

sub report {
    my ($httpd, $id, %report) = @_;
    return ($httpd->keepalive({ client_id => $id, public_ip => '203.0.113.1', %report }))[0];
}

sub file_of {
    my ($httpd) = @_;
    return $httpd->root . '/state/vpnsentinel.db';
}

# The files that were set aside.
sub set_aside {
    my ($httpd) = @_;
    return grep { !/\.db(-wal|-shm)?\z/ } glob $httpd->root . '/state/*';
}

sub sql {
    my ($httpd, $statements) = @_;
    my $user = $> == 0 ? 'runuser -u www-data --' : '';
    my $file = file_of($httpd);
    my $answer = `$user $SQLITE '$file' '$statements' 2>&1`;
    is($?, 0, "sqlite3: $statements") or diag $answer;
    return $answer;
}

# What the API says of all clients, but for what counts on.
sub clients {
    my ($httpd) = @_;
    return { map { $_->{client_id} => $_ } $httpd->clients };
}

for my $way (qw(stop crash)) {
    subtest "$way and start" => sub {
        my $bot = BotApi->start;
        my $httpd = Sentinel->start(conf => $bot->conf . $HEALTH);
        $httpd->store_becomes('ok', 'the store works');
        is((stat file_of($httpd))[2] & 0777, 0600, 'nobody else can read it');
        report($httpd, 'office', city => 'São Paulo', location => 'BR', dns_loc => 'BR');
        report($httpd, 'leaking', location => 'DE', dns_loc => 'FR');
        $httpd->api('POST', '/register', { content => { client_id => 'registered' } });
        $httpd->is_announced('office', 'connected', 'a client');
        $httpd->is_announced('leaking', 'connected dns_leak', 'one with a leak');
        ok($bot->wait_for_messages(4), 'messages go out');
        $bot->leave;
        report($httpd, 'office', public_ip => '203.0.113.2', location => 'BR', dns_loc => 'BR',
            client_version => 'the-newest');
        my @events = $httpd->is_announced('office', 'connected ip_changed', 'an event meanwhile');
        $httpd->wait_until_stored('the-newest');
        my $before = clients($httpd);
        @events = $httpd->events;
        $httpd->$way;
        $httpd->start_again;

        ok($httpd->wait_for(sub { keys %{ clients($httpd) } == 3 }), 'all clients are back');
        my $after = clients($httpd);
        for my $id (sort keys %$before) {
            # A crash loses up to a minute of these.
            delete @{ $_->{$id} }{qw(last_seen keepalives)} for $way eq 'crash' ? ($before, $after) : ();
            is_deeply($after->{$id}, $before->{$id}, "... $id as it was");
        }
        is_deeply([ ($httpd->events)[ 0 .. $#events ] ], \@events, 'so are the events');
        report($httpd, 'leaking', location => 'DE', dns_loc => 'FR');
        $httpd->is_announced('leaking', 'connected dns_leak', 'what was announced is not again');
        ok($httpd->wait_for(sub { $httpd->telegram->{queued} }), 'the queue is there');
        $bot->come_back;
        $httpd->is_told($bot, 'each message was delivered');
        report($httpd, 'office', public_ip => '203.0.113.3');
        $httpd->is_announced('office', 'connected ip_changed ip_changed', 'life goes on');
        $httpd->is_told($bot, 'and told');
        is_deeply([ set_aside($httpd) ], [], 'no other file is left');
        $httpd->stop;
        $httpd->check_error_log(allow => [qr/VPNS\d+: Telegram/]);
    };
}

subtest 'removed clients' => sub {
    my $httpd = Sentinel->start;
    report($httpd, $_) for qw(kept removed);
    $httpd->is_announced('removed', 'connected', 'a client');
    is(($httpd->api('DELETE', '/clients/removed'))[0], 200, 'is removed');
    report($httpd, 'kept', client_version => 'after-that');
    $httpd->wait_until_stored('after-that');
    $httpd->crash;
    $httpd->start_again;
    ok($httpd->wait_for(sub { $httpd->client('kept') }), 'the others are back');
    is($httpd->client('removed'), undef, 'it is not');
    report($httpd, 'removed');
    $httpd->is_announced('removed', 'connected connected', 'when it comes it is a new one');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'VPNSentinelStateDir' => sub {
    SKIP: {
        skip 'root alone makes folders where they belong', 3 if $> != 0;
        my $made = Sentinel->start(conf => "VPNSentinelStateDir new/folder\n$HEALTH");
        $made->store_becomes('ok', 'a folder that is missing is made');
        my @stat = stat $made->root . '/new/folder';
        is($stat[2] & 0777, 0700, '... for httpd\'s user alone');
        is($stat[4], scalar getpwnam('www-data'), '... and is his');
        $made->stop;
        $made->check_error_log;
    }
    my $none = Sentinel->start(conf => "VPNSentinelStateDir none\n$HEALTH");
    $none->store_becomes('off', 'none: the store is off');
    report($none, 'office');
    $none->is_announced('office', 'connected', '... events are there all the same');
    $none->graceful;
    report($none, 'office', public_ip => '203.0.113.2');
    $none->is_announced('office', 'connected ip_changed', '... also over a graceful');
    is_deeply([ glob $none->root . '/state/*' ], [], '... nothing is written');
    $none->stop;
    $none->start_again;
    is_deeply(clients($none), {}, '... and nothing kept');
    $none->stop;
    $none->check_error_log;
};

subtest 'VPNSentinelForgetAfter' => sub {
    my $httpd = Sentinel->start(clock => 1,
        conf => "VPNSentinelForgetAfter 2h\nVPNSentinelOfflineThreshold 2\n");
    # The clock goes on while httpd is stopped.
    my $stop_until = sub {
        my ($seconds) = @_;
        $httpd->stop;
        $httpd->step_clock($seconds);
        $httpd->start_again;
    };
    report($httpd, 'stale', location => 'DE', dns_loc => 'DE');
    $httpd->is_announced('stale', 'connected offline', 'a client goes quiet');
    $stop_until->(3600);
    report($httpd, 'fresh');
    $stop_until->(7300);
    my ($event) = ($httpd->is_announced('stale', 'connected offline forgotten', 'it is forgotten'))[2];
    like($event->{message}, qr/\A🗑️ Client Forgotten: stale\nLight: ⚫ grey \(offline\)\nSilent for: 2 h(?: \d+ min)?\n/,
        '... with one event');
    is_deeply([ @$event{qw(to place dns)} ], [ '203.0.113.1', 'DE', 'DE' ], '... that tells what it was');
    is($httpd->client('stale'), undef, '... and gone');
    ok($httpd->client('fresh'), 'the other stays');
    is(() = $httpd->read_file('logs/vpnsentinel.log') =~ /Client Forgotten: stale/g, 1, 'one log line');
    report($httpd, 'stale');
    $httpd->is_announced('stale', 'connected offline forgotten connected', 'it may come again');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'VPNSentinelEventRetention' => sub {
    my $httpd = Sentinel->start(conf => "VPNSentinelEventRetention 1h\n", clock => 1);
    report($httpd, 'office');
    $httpd->is_announced('office', 'connected', 'an event');
    $httpd->step_clock(3601);
    ok($httpd->wait_for(sub { !$httpd->events }), 'is not told any more');
    report($httpd, 'office', public_ip => '203.0.113.2');
    $httpd->is_announced('office', 'ip_changed', 'the next one is');
    $httpd->stop;
    $httpd->step_clock(2 * 3601);
    $httpd->start_again;
    ok($httpd->wait_for(sub { $httpd->client('office') }), 'the client is back');
    $httpd->stop;
    SKIP: {
        skip 'no sqlite3', 2 if !$SQLITE;
        my ($table) = grep { /event/ } split ' ',
            sql($httpd, 'SELECT name FROM sqlite_master WHERE type = "table"');
        is(sql($httpd, "SELECT count(*) FROM $table") + 0, 1, 'the store has the new start alone');
    }
    $httpd->check_error_log;
};

done_testing;
