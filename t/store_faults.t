# What the server does when the disk fails: it goes on from memory, and comes back by itself; and
# what it does with a file that is no store of its own.
use strict;
use warnings;

use Test::More;

use BotApi;
use Sentinel;

my $HEALTH = "VPNSentinelHealth\n";
my $SQLITE = `sqlite3 --version 2>/dev/null` ? 'sqlite3' : undef;
my @DEGRADED = (qr/VPNS\d+: the store: /);

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
            $httpd->store_becomes('ok', 'the store works');
            rename $folder, "$folder.away" or die "rename: $!";
        }
        report($httpd, 'office');
        $httpd->store_becomes('degraded', 'the disk cannot be used');
        my (undef, $status) = $httpd->api('GET', '/status');
        like($status->{store}{last_error}, qr/\S/, '... the status says why');
        is($status->{store}{driver}, 'sqlite', '... of what');
        $httpd->is_announced('office', 'connected', 'events are there all the same');
        report($httpd, 'office', public_ip => '203.0.113.2');
        $httpd->is_announced('office', 'connected ip_changed', 'one more');
        my $told = sub { grep { $_->{plain} =~ /\A.* office$/m } $bot->messages };
        ok($httpd->wait_for(sub { $told->() == 2 }), 'alerts go out');
        my @lines = $httpd->error_log =~ /(VPNS\d+: the store: .*)/g;
        is(@lines, 1, 'the error log has one line') or diag explain \@lines;

        $when eq 'start' ? chmod 0700, $folder : rename "$folder.away", $folder;
        $httpd->store_becomes('ok', 'the store comes back by itself');
        like($httpd->error_log, qr/VPNS\d+: the store works again/, '... and says so');
        report($httpd, 'office', public_ip => '203.0.113.3', client_version => 'the-newest');
        $httpd->is_announced('office', 'connected ip_changed ip_changed', 'a third');
        $httpd->wait_until_stored('the-newest');
        # Else it may have been taken without a note of that, and come again.
        $httpd->wait_for(sub { $told->() == 3 && $httpd->telegram->{queued} == 0 });
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
    $httpd->store_becomes('ok', 'the store works');
    report($httpd, 'office', client_version => 'the-newest');
    $httpd->is_announced('office', 'connected', 'a client');
    unlink glob $httpd->root . '/state/*';
    ok($httpd->wait_for(sub { -e file_of($httpd) }), 'there is a new one');
    $httpd->store_becomes('ok', 'it works');
    $httpd->wait_until_stored('the-newest');
    $httpd->crash;
    $httpd->start_again;
    ok($httpd->wait_for(sub { $httpd->client('office') }), 'with what was known');
    report($httpd, 'office', public_ip => '203.0.113.2');
    $httpd->is_announced('office', 'connected ip_changed', '... and announced: not again');
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
    $httpd->store_becomes('ok', 'the store works');
    my $filler = '/proc/' . $httpd->pid . '/root' . $httpd->root . '/state/filler';
    open(my $out, '>:raw', $filler) or die "filler: $!";
    1 while syswrite $out, "\0" x 4096;
    close $out;
    my $round = 0;
    my $degraded = $httpd->wait_for(sub {
        report($httpd, 'office', public_ip => '203.0.113.' . ++$round % 250) == 200 or return 1;
        return $httpd->store_state eq 'degraded';
    });
    ok($degraded, 'it is full');
    $httpd->store_becomes('degraded', 'the store cannot go on');
    is(report($httpd, 'new'), 200, 'a keepalive is taken');
    $httpd->is_announced('new', 'connected', 'and announced');
    unlink $filler or die "filler: $!";
    $httpd->store_becomes('ok', 'with room again it goes on');
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
            $httpd->store_becomes('ok', 'a new store works');
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
            my @columns = split /\n/,
                sql($httpd, "SELECT name FROM pragma_table_info(\"$table\") WHERE pk = 0");
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
    $first->store_becomes('ok', 'the first server has it');
    report($first, 'office');
    $first->is_announced('office', 'connected', 'its client');
    my $second = Sentinel->start(conf => "VPNSentinelStateDir '" . $first->root . "/state'\n$HEALTH");
    $second->store_becomes('degraded', 'the second server cannot have it');
    is_deeply([ set_aside($first) ], [], '... and leaves it alone');
    report($second, 'guest');
    $second->is_announced('guest', 'connected', '... and goes on from memory');
    is($first->store_state, 'ok', 'the first one does not notice');
    $first->stop;
    $second->store_becomes('ok', 'the second has it when the first has gone');
    ok($second->client('guest'), '... its client is still there');
    $second->stop;
    $first->check_error_log;
    $second->check_error_log(allow => \@DEGRADED);
};

done_testing;
