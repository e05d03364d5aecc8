# What outlives the server: clients, what was announced, messages to deliver; and what the server does
# when the disk does not.
use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(sleep);

use BotApi;
use Sentinel;

my $HEALTH = "VPNSentinelHealth\n";
my $SQLITE = `sqlite3 --version 2>/dev/null` ? 'sqlite3' : undef;
my @DEGRADED = (qr/VPNS\d+: the store: /);

sub store_state {
    my ($httpd) = @_;
    my (undef, $status) = $httpd->api('GET', '/status');
    return $status->{store}{state};
}

sub becomes {
    my ($httpd, $state, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok($httpd->wait_for(sub { store_state($httpd) eq $state }), $name);
    my $ready = $state eq 'degraded' ? 503 : 200;
    ok($httpd->wait_for(sub { $httpd->request('GET', '/health/ready')->{status} == $ready }),
        "... readiness says so: $ready");
}

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
        becomes($httpd, 'ok', 'the store works');
        is((stat file_of($httpd))[2] & 0777, 0600, 'nobody else can read it');
        report($httpd, 'office', city => 'São Paulo', location => 'BR', dns_loc => 'BR');
        report($httpd, 'leaking', location => 'DE', dns_loc => 'FR');
        $httpd->api('POST', '/register', { content => { client_id => 'registered' } });
        $httpd->is_announced('office', 'connected', 'a client');
        $httpd->is_announced('leaking', 'connected dns_leak', 'one with a leak');
        ok($bot->wait_for_messages(2), 'messages go out');
        $bot->leave;
        report($httpd, 'office', public_ip => '203.0.113.2', location => 'BR', dns_loc => 'BR');
        my @events = $httpd->is_announced('office', 'connected ip_changed', 'an event meanwhile');
        # What changed is stored within a second.
        sleep 1.5;
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
        my (undef, $status) = $httpd->api('GET', '/status');
        cmp_ok($status->{telegram}{queued}, '>=', 1, 'the queue is there');
        $bot->come_back;
        my @all = map { $_->{message} } $httpd->events;
        $bot->wait_for_messages(scalar @all);
        # One more, behind all others.
        report($httpd, 'office', public_ip => '203.0.113.3');
        $httpd->is_announced('office', 'connected ip_changed ip_changed', 'life goes on');
        $bot->wait_for_messages(@all + 1);
        is_deeply([ map { $_->{plain} } $bot->messages ], [ map { $_->{message} } $httpd->events ],
            'each message was delivered once, in order');
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
    sleep 1.5;
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
        becomes($made, 'ok', 'a folder that is missing is made');
        my @stat = stat $made->root . '/new/folder';
        is($stat[2] & 0777, 0700, '... for httpd\'s user alone');
        is($stat[4], scalar getpwnam('www-data'), '... and is his');
        $made->stop;
        $made->check_error_log;
    }
    my $none = Sentinel->start(conf => "VPNSentinelStateDir none\n$HEALTH");
    becomes($none, 'off', 'none: the store is off');
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

# The monitor cannot use the folder, from the start or later, and can again.
for my $when (qw(start later)) {
    subtest "the folder cannot be used: $when" => sub {
        my $bot = BotApi->start;
        my $httpd = Sentinel->start(conf => $bot->conf . $HEALTH);
        my $folder = $httpd->root . '/state';
        if ($when eq 'start') {
            $httpd->stop;
            unlink glob "$folder/*";
            chmod 0, $folder;
            $httpd->start_again;
        } else {
            becomes($httpd, 'ok', 'the store works');
            rename $folder, "$folder.away" or die "rename: $!";
        }
        report($httpd, 'office');
        becomes($httpd, 'degraded', 'the disk cannot be used');
        my (undef, $status) = $httpd->api('GET', '/status');
        like($status->{store}{last_error}, qr/\S/, '... the status says why');
        is($status->{store}{driver}, 'sqlite', '... of what');
        $httpd->is_announced('office', 'connected', 'events are there all the same');
        report($httpd, 'office', public_ip => '203.0.113.2');
        $httpd->is_announced('office', 'connected ip_changed', 'one more');
        my $told = sub { grep { $_->{plain} =~ /^Client: office$/m } $bot->messages };
        ok($httpd->wait_for(sub { $told->() == 2 }), 'alerts go out');
        my @lines = $httpd->error_log =~ /(VPNS\d+: the store: .*)/g;
        is(@lines, 1, 'the error log has one line') or diag explain \@lines;

        $when eq 'start' ? chmod 0700, $folder : rename "$folder.away", $folder;
        becomes($httpd, 'ok', 'the store comes back by itself');
        like($httpd->error_log, qr/VPNS\d+: the store works again/, '... and says so');
        report($httpd, 'office', public_ip => '203.0.113.3');
        $httpd->is_announced('office', 'connected ip_changed ip_changed', 'a third');
        sleep 1.5;
        $httpd->crash;
        $httpd->start_again;
        ok($httpd->wait_for(sub { $httpd->client('office') }), 'the client was stored');
        is($httpd->client('office')->{public_ip}, '203.0.113.3', '... as it was');
        $httpd->is_announced('office', 'connected ip_changed ip_changed', '... its events too');
        ok($httpd->wait_for(sub { $told->() >= 3 }), 'the third was delivered');
        report($httpd, 'office', public_ip => '203.0.113.4');
        ok($httpd->wait_for(sub { $told->() >= 4 }), 'a fourth is');
        is($told->(), 4, 'each once') or diag explain [ map { $_->{plain} } $bot->messages ];
        $httpd->stop;
        $httpd->check_error_log(allow => \@DEGRADED);
    };
}

subtest 'the file is taken away' => sub {
    my $httpd = Sentinel->start(conf => $HEALTH);
    becomes($httpd, 'ok', 'the store works');
    report($httpd, 'office');
    $httpd->is_announced('office', 'connected', 'a client');
    unlink glob $httpd->root . '/state/*';
    ok($httpd->wait_for(sub { -e file_of($httpd) }), 'there is a new one');
    becomes($httpd, 'ok', 'it works');
    sleep 1.5;
    $httpd->crash;
    $httpd->start_again;
    ok($httpd->wait_for(sub { $httpd->client('office') }), 'with what was known');
    report($httpd, 'office');
    $httpd->is_announced('office', 'connected', '... and announced');
    $httpd->stop;
    $httpd->check_error_log(allow => \@DEGRADED);
};

subtest 'a full disk' => sub {
    plan skip_all => 'root alone can mount a small disk' if !VpsHttpd->can_mount;
    my $bot = BotApi->start;
    my $httpd = Sentinel->start(
        conf => $bot->conf . $HEALTH,
        mount => 'mount -t tmpfs -o size=4m,mode=0777 none "@ROOT@/state"',
    );
    becomes($httpd, 'ok', 'the store works');
    my $filler = '/proc/' . $httpd->pid . '/root' . $httpd->root . '/state/filler';
    open(my $out, '>:raw', $filler) or die "filler: $!";
    1 while syswrite $out, "\0" x 4096;
    close $out;
    my $round = 0;
    my $degraded = $httpd->wait_for(sub {
        report($httpd, 'office', public_ip => '203.0.113.' . ++$round % 250) == 200 or return 1;
        return store_state($httpd) eq 'degraded';
    });
    ok($degraded, 'it is full');
    becomes($httpd, 'degraded', 'the store cannot go on');
    is(report($httpd, 'new'), 200, 'a keepalive is taken');
    $httpd->is_announced('new', 'connected', 'and announced');
    unlink $filler or die "filler: $!";
    becomes($httpd, 'ok', 'with room again it goes on');
    my @events = $httpd->events;
    my ($monitor) = $httpd->monitors;
    $httpd->graceful;
    $httpd->wait_for_monitor($monitor);
    report($httpd, 'new');
    is_deeply([ $httpd->events ], \@events, 'nothing was lost, nothing is told again');
    $httpd->stop;
    $httpd->check_error_log(allow => \@DEGRADED);
};

# What is found in the folder instead of a store of ours.
SKIP: {
    skip 'no sqlite3', 1 if !$SQLITE;
    my %table = (
        damaged => sub {
            my ($httpd) = @_;
            open(my $file, '+<:raw', file_of($httpd)) or die "store: $!";
            print {$file} 'no database at all' x 1000;
            close $file;
        },
        foreign => sub {
            my ($httpd) = @_;
            unlink glob $httpd->root . '/state/*';
            sql($httpd, 'CREATE TABLE contacts (name TEXT)');
        },
        newer => sub { my ($httpd) = @_; sql($httpd, 'PRAGMA user_version = 9999') },
        truncated => sub { my ($httpd) = @_; truncate file_of($httpd), 3000 },
    );
    for my $name (sort keys %table) {
        subtest "a file that is $name" => sub {
            my $httpd = Sentinel->start(conf => $HEALTH);
            report($httpd, 'office');
            $httpd->is_announced('office', 'connected', 'a store with a client');
            $httpd->stop;
            $table{$name}->($httpd);
            my $size = -s file_of($httpd);
            $httpd->start_again;
            becomes($httpd, 'ok', 'a new store works');
            my @aside = grep { -s $_ == $size } set_aside($httpd);
            is(@aside, 1, 'the old file is kept under another name')
                or diag explain [ set_aside($httpd) ];
            is($httpd->client('office'), undef, 'nothing of it is taken');
            report($httpd, 'office');
            $httpd->is_announced('office', 'connected', 'life goes on');
            my @lines = $httpd->error_log =~ /(VPNS\d+: the store: .*)/g;
            is(@lines, 1, 'the error log has one line') or diag explain \@lines;
            $httpd->stop;
            $httpd->check_error_log(allow => \@DEGRADED);
        };
    }

    subtest 'rows that are not as they should be' => sub {
        my $httpd = Sentinel->start(conf => $HEALTH);
        report($httpd, "c-$_") for 1 .. 3;
        $httpd->is_announced('c-3', 'connected', 'three clients');
        $httpd->stop;
        my @tables = grep { !/^sqlite_/ } split ' ',
            sql($httpd, 'SELECT name FROM sqlite_master WHERE type = "table"');
        for my $table (@tables) {
            my @columns = split /\n/, sql($httpd, "SELECT name FROM pragma_table_info(\"$table\") WHERE pk = 0");
            sql($httpd, "UPDATE OR IGNORE $table SET $_ = \"\x{1}\x{2}{broken\"") for @columns;
        }
        $httpd->start_again;
        report($httpd, 'fresh');
        $httpd->wait_for(sub { $httpd->events('fresh') });
        is(($httpd->events('fresh'))[-1]{event}, 'connected', 'the monitor lives with it');
        my (undef, $status) = $httpd->api('GET', '/status');
        ok($status->{monitor}{running}, '... it runs');
        $httpd->stop;
        $httpd->check_error_log(allow => \@DEGRADED);
    };
}

subtest 'a store in use by another server' => sub {
    my $first = Sentinel->start(conf => $HEALTH);
    becomes($first, 'ok', 'the first server has it');
    report($first, 'office');
    $first->is_announced('office', 'connected', 'its client');
    my $second = Sentinel->start(conf => "VPNSentinelStateDir '" . $first->root . "/state'\n$HEALTH");
    becomes($second, 'degraded', 'the second server cannot have it');
    is_deeply([ set_aside($first) ], [], '... and leaves it alone');
    report($second, 'guest');
    $second->is_announced('guest', 'connected', '... and goes on from memory');
    is(store_state($first), 'ok', 'the first one does not notice');
    $first->stop;
    becomes($second, 'ok', 'the second has it when the first has gone');
    ok($second->client('guest'), '... its client is still there');
    $second->stop;
    $first->check_error_log;
    $second->check_error_log(allow => \@DEGRADED);
};

subtest 'VPNSentinelForgetAfter' => sub {
    my $httpd = Sentinel->start(conf => "VPNSentinelForgetAfter 5\nVPNSentinelOfflineThreshold 2\n");
    report($httpd, 'stale');
    $httpd->is_announced('stale', 'connected offline', 'a client goes quiet');
    sleep 3.5;
    report($httpd, 'fresh');
    $httpd->stop;
    $httpd->start_again;
    my ($event) = ($httpd->is_announced('stale', 'connected offline forgotten', 'it is forgotten'))[2];
    like($event->{message}, qr/\A🗑️ Client Forgotten\nClient: stale\nSilent for: \d+ s\n/,
        '... with one event');
    is($httpd->client('stale'), undef, '... and gone');
    ok($httpd->client('fresh'), 'the other stays');
    is(() = $httpd->read_file('logs/vpnsentinel.log') =~ /Client Forgotten: stale/g, 1, 'one log line');
    report($httpd, 'stale');
    $httpd->is_announced('stale', 'connected offline forgotten connected', 'it may come again');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'VPNSentinelEventRetention' => sub {
    my $httpd = Sentinel->start(conf => "VPNSentinelEventRetention 3\n");
    report($httpd, 'office');
    $httpd->is_announced('office', 'connected', 'an event');
    ok($httpd->wait_for(sub { !$httpd->events }), 'is not told any more');
    report($httpd, 'office', public_ip => '203.0.113.2');
    $httpd->is_announced('office', 'ip_changed', 'the next one is');
    $httpd->stop;
    sleep 4.2;
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
