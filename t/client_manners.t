# The client daemon as a good citizen: what it needs, what it takes, what it tells systemd; and its unit.
use strict;
use warnings;
use utf8;

use Fcntl qw(O_NONBLOCK O_RDWR);
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::UNIX;
use List::Util qw(min);
use POSIX qw(mkfifo);
use Socket qw(SOCK_DGRAM);
use Test::More;
use Time::HiRes qw(sleep time);

use ClientDaemon;
use StandIn;

my $KEY = 'key-0123456789-secret';
my $BUILD_DIR = $ENV{VPS_BUILDDIR} // '.';
my $PROGRAM = "$BUILD_DIR/client/vpn-sentinel-client";
my $ROUNDS = 300;       # to see whether something grows
my $MEMORY_MAX = 4096;  # KiB of private memory
my $BINARY_MAX = 200;   # KiB

my $world = StandIn->start;

sub environment {
    my (%more) = @_;
    return {
        (map { ("VPN_SENTINEL_${_}_URL" => $world->url) } qw(SERVER IPINFO IPAPI TRACE)),
        VPN_SENTINEL_CHECK_INTERVAL => 3600, VPN_SENTINEL_TIMEOUT => 300, VPN_SENTINEL_API_KEY => $KEY, %more,
    };
}

sub count {
    my ($service) = @_;
    return scalar(my @all = $world->requests($service));
}

sub proc {
    my ($client, $name) = @_;
    open my $in, '<', '/proc/' . $client->pid . "/$name" or return '';
    local $/ = undef;
    return scalar(<$in>) // '';
}

# A folder that other users can get into, with a copy of the program.
sub public_copy {
    my $folder = tempdir('client-manners-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    chmod 0755, $folder;
    copy($PROGRAM, "$folder/vpn-sentinel-client") or die "copy: $!";
    chmod 0755, "$folder/vpn-sentinel-client";
    return "$folder/vpn-sentinel-client";
}

# --- what it needs, what it shows -----------------------------------------------------------------

subtest 'no privileges' => sub {
    plan skip_all => 'only root can give its privileges up' unless $> == 0;
    plan skip_all => 'setpriv is not installed' unless `setpriv --version 2>/dev/null`;
    my @nobody = (qw(setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all),
        '--no-new-privs', public_copy());
    my $folder = '/tmp/vpn-sentinel-client-65534';
    plan skip_all => "$folder exists" if -e $folder;

    my $client = ClientDaemon->start(
        program => \@nobody, default_config => 1, env => environment(VPN_SENTINEL_RUN_DIR => ''));
    ok($client->wait_for_log(qr/Keepalive accepted/), 'it reports');
    like(proc($client, 'status'), qr/^Uid:\t65534\t65534\t/m, 'as nobody');
    like(proc($client, 'status'), qr/^Cap$_:\t0+$/m, "without capabilities: $_") for qw(Prm Eff Bnd);
    is(sprintf('%o', (stat $folder)[2] & 07777), '700', 'its state is in a folder of its own');
    # The log has the report a moment before.
    my $check = sub { ClientDaemon->run(program => \@nobody, default_config => 1, args => ['--healthcheck']) };
    ok($client->wait_for(sub { $check->()->{status} == 0 }), 'which --healthcheck finds') or diag $check->()->{out};
    is($client->end, 0);
    unlike(scalar $client->log, qr/⚠️|❌/, 'nothing was in its way');
    unlink "$folder/lock";
    rmdir $folder;
};

subtest 'no secret in the process list' => sub {
    plan skip_all => 'no /proc here' unless -r '/proc/self/cmdline';
    $world->misbehave(keepalive => { hang => 1 });
    my $before = count('keepalive');
    my $client = ClientDaemon->start(env => environment(IPINFO_API_TOKEN => 'token-9876543210-secret'));
    ok($client->wait_for(sub { count('keepalive') > $before }), 'in the middle of a report');
    unlike(proc($client, 'cmdline'), qr/secret/, 'not in its arguments');
    unlike(proc($client, 'comm'), qr/secret/, 'nor its name');
    is($client->end, 0);
    $world->behave('keepalive');
};

# --- systemd --------------------------------------------------------------------------------------

# The messages at a socket until one matches, or the time is over.
sub hear {
    my ($socket, $re, $seconds) = @_;
    my @heard;
    my $end = time + ($seconds // 30);
    while (time < $end) {
        next if !IO::Select->new($socket)->can_read(0.1);
        recv $socket, my $message, 4096, 0;
        push @heard, $message;
        last if $message =~ $re;
    }
    return @heard;
}

subtest 'what systemd is told' => sub {
    my $folder = tempdir('client-notify-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $name = "vpn-sentinel-client-$$";
    for my $address ("$folder/notify", "\0$name") {
        my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $address) or die "socket: $!";
        # Few signs of life: the kernel keeps ten messages for us, and what comes then is lost.
        my $client = ClientDaemon->start(env => environment(
            NOTIFY_SOCKET => $address =~ s/^\0/@/r, WATCHDOG_USEC => 2_000_000, VPN_SENTINEL_CHECK_INTERVAL => 3600));
        my @heard = hear($socket, qr/READY/);
        is($heard[-1], "READY=1\nSTATUS=Last report accepted", 'ready after the first round');
        is(scalar(grep { /Keepalive accepted/ } $client->log), 1, 'which is over') or diag $client->log;
        is((hear($socket, qr/WATCHDOG/))[-1], 'WATCHDOG=1', 'it gives signs of life') for 1 .. 3;

        $client->signal('HUP');
        @heard = hear($socket, qr/READY/);
        like($heard[-2], qr/^RELOADING=1\nMONOTONIC_USEC=\d+$/, 'it reloads');
        is($heard[-1], 'READY=1', 'and has done so');

        $world->misbehave(keepalive => { status => 503, times => 1 });
        $client->signal('USR1');
        is((hear($socket, qr/STATUS=Server/))[-1], 'STATUS=Server fails', 'how it is');
        is($client->end, 0);
        like((hear($socket, qr/STOPPING/))[-1], qr/^STOPPING=1$/, 'it stops');
        close $socket;
    }
};

subtest 'a round that takes long is no hanging one' => sub {
    my $folder = tempdir('client-notify-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "$folder/notify") or die "socket: $!";
    $world->misbehave(keepalive => { hang => 1 });
    my $before = count('keepalive');
    my $client = ClientDaemon->start(preload => ['clockstep'],
        env => environment(NOTIFY_SOCKET => "$folder/notify", WATCHDOG_USEC => 200_000));
    ok($client->wait_for(sub { count('keepalive') > $before }), 'in the middle of a request');
    hear($socket, qr/WATCHDOG/) for 1 .. 20;
    is((hear($socket, qr/WATCHDOG/))[-1], 'WATCHDOG=1', 'it lives');
    $client->suspend(86_400);
    hear($socket, qr/WATCHDOG/) for 1 .. 5;
    is((hear($socket, qr/WATCHDOG/))[-1], 'WATCHDOG=1', 'after a suspend too, in which nothing could be done');
    $client->signal('STOP');
    ok($client->wait_for(sub { proc($client, 'stat') =~ /\) T / }), 'a process that hangs');
    hear($socket, qr/nothing/, 0.5);
    is_deeply([hear($socket, qr/./, 3)], [], '... gives no sign');
    $client->signal('CONT');
    is($client->end, 0);
    $world->behave('keepalive');
};

# --- what it takes --------------------------------------------------------------------------------

# KiB of private memory, number of descriptors.
sub usage {
    my ($client) = @_;
    my ($memory) = proc($client, 'status') =~ /^RssAnon:\s+(\d+) kB/m;
    return ($memory, scalar(my @fds = glob '/proc/' . $client->pid . '/fd/*'));
}

# More rounds, until $rounds have been played in all.
sub play_rounds {
    my ($client, $rounds) = @_;
    my $played = () = $client->log =~ /Keepalive accepted/g;
    while ($played < $rounds) {
        $world->address('198.51.100.' . $played % 200) if $played % 10 == 0;
        $client->signal('USR1');
        $client->wait_for_log(qr/Keepalive accepted/, ++$played) or return 0;
    }
    return 1;
}

subtest 'a log that nobody reads' => sub {
    my $folder = tempdir('client-log-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    mkfifo("$folder/log", 0600) or die "mkfifo: $!";
    sysopen my $pipe, "$folder/log", O_RDWR | O_NONBLOCK or die "fifo: $!";
    my $fill = sub { 1 while syswrite $pipe, 'x' x 4096 };
    my $text = '';
    my $drain = sub { 1 while sysread $pipe, $text, 65_536, length $text };

    $fill->();
    my $before = count('keepalive');
    my $client = ClientDaemon->start(
        by => [qw(sh -c), 'exec 2<>"$0" && exec "$@"', "$folder/log"], env => environment());
    ok($client->wait_for(sub { count('keepalive') > $before }), 'does not keep it from its work');
    $drain->();
    $client->signal('USR1');
    ok($client->wait_for(sub { $drain->(); $text =~ /could not be written: [1-9]\d*\n.*Keepalive accepted/s }),
        'what is missing is told');
    $fill->();
    is($client->end, 0, 'nor from its end');
};

subtest 'rounds leave nothing behind' => sub {
    plan skip_all => 'no /proc here' unless -r '/proc/self/status';
    my $client = ClientDaemon->start(env => environment());
    ok($client->wait_for_log(qr/Keepalive accepted/));
    ok(play_rounds($client, 30), 'some rounds');
    my ($memory) = usage($client);
    my $descriptors = min(map { sleep 0.02; (usage($client))[1] } 1 .. 5);
    ok(play_rounds($client, 30 + $ROUNDS), "$ROUNDS more");
    my ($memory_later) = usage($client);
    note "private memory: $memory KiB, after $ROUNDS rounds $memory_later KiB";
    # The log has a round before all of it is over.
    ok($client->wait_for(sub { (usage($client))[1] == $descriptors }), 'no descriptor');
    SKIP: {
        skip 'the sanitizer has its own memory', 2 if $ENV{VPS_SANITIZER};
        cmp_ok($memory_later, '<=', $memory + 256, 'no memory');
        cmp_ok($memory_later, '<=', $MEMORY_MAX, "not more than $MEMORY_MAX KiB in all");
    }
    is($client->end, 0);
};

subtest 'the program is small' => sub {
    plan skip_all => 'strip is not installed' unless `strip --version 2>/dev/null`;
    plan skip_all => "the sanitizer's code is not ours" if $ENV{VPS_SANITIZER};
    my $copy = public_copy();
    is(system('strip', $copy), 0, 'strip');
    my $size = (-s $copy) / 1024;
    note sprintf 'stripped: %.0f KiB', $size;
    cmp_ok($size, '<=', $BINARY_MAX, "not more than $BINARY_MAX KiB");
};

# --- the unit -------------------------------------------------------------------------------------

subtest "systemd's unit" => sub {
    my $unit = "$BUILD_DIR/conf/vpn-sentinel-client.service";
    open my $in, '<', $unit or die "$unit: $!";
    my $text = do { local $/ = undef; <$in> };
    like($text, qr{^ExecStart=/\S+/vpn-sentinel-client --config }m, 'it is filled in');
    unlike($text, qr/\@[a-z]+dir\@/, 'all of it');

    plan skip_all => 'systemd-analyze is not installed' unless `systemd-analyze --version 2>/dev/null`;
    # Where the program will be installed there may be none yet.
    my $folder = tempdir('client-unit-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $checked = "$folder/vpn-sentinel-client.service";
    open my $out, '>', $checked or die "$checked: $!";
    print {$out} $text =~ s{^ExecStart=\S+}{ExecStart=/bin/sh}mr;
    close $out;
    is(`systemd-analyze verify --man=no '$checked' 2>&1`, '', 'systemd has nothing to say against it');
    my $judgement = `systemd-analyze --no-pager security --offline=true --threshold=20 '$checked' 2>&1`;
    my $status = $? >> 8;
    plan skip_all => 'systemd-analyze cannot judge a file' if $judgement =~ /unrecognized option/;
    is($status, 0, 'exposure below 2.0') or diag $judgement;
    my ($level) = $judgement =~ /(Overall exposure level.*?: [\d.]+)/;
    note $level // $judgement;
};

done_testing;
