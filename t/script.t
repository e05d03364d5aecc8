# The health script of the client daemon: what it says, what it may do, and what it must not keep the daemon from.
use strict;
use warnings;
use utf8;

use Cwd ();
use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep);

use ClientDaemon;
use StandIn;

my $KEY = 'key-0123456789-secret';
my $TOKEN = 'token-9876543210-secret';

my $world = StandIn->start;
my $folder = tempdir('script-XXXXXX', DIR => ($ENV{VPS_BUILDDIR} // '.') . '/t/tmp', CLEANUP => 1);
$folder = Cwd::abs_path($folder);
my $path = "$folder/health";

sub write_file {
    my ($name, $text, $mode) = @_;
    # Another file, not the same one: a script that runs cannot be written to.
    unlink $name;
    open my $out, '>:encoding(UTF-8)', $name or die "$name: $!";
    print {$out} $text;
    close $out;
    chmod $mode // 0644, $name;
    return;
}

sub script {
    my ($text) = @_;
    write_file($path, "#!/bin/sh\n$text\n", 0755);
    return;
}

sub content {
    my ($name) = @_;
    open my $in, '<', "$folder/$name" or return '';
    local $/ = undef;
    return scalar(<$in>) // '';
}

sub environment {
    my (%more) = @_;
    return {
        VPN_SENTINEL_CHECK_INTERVAL => 3600, VPN_SENTINEL_DEBUG => 'on', VPN_SENTINEL_HEALTH_SCRIPT => $path,
        (map { ("VPN_SENTINEL_${_}_URL" => $world->url) } qw(SERVER IPINFO IPAPI TRACE)), %more,
    };
}

# What a round makes of the script: what is reported, and the log.
sub answer {
    my ($text, %more) = @_;
    script($text) if defined $text;
    my $done = ClientDaemon->run(args => ['--print'], env => environment(%more));
    is($done->{status}, 0, 'the round ends');
    my $connected = JSON::PP->new->decode($done->{out})->{vpn_connected};
    return (defined $connected ? ($connected ? 'yes' : 'no') : 'unknown', $done->{err});
}

sub start_client {
    my (%option) = @_;
    my $client = ClientDaemon->start(%option, env => environment(%{ $option{env} // {} }));
    ok($client->wait_for_log(qr/started/), 'started');
    return $client;
}

sub another_round {
    my ($client) = @_;
    my $before = () = $client->log =~ /Keepalive accepted/g;
    $client->signal('USR1');
    return $client->wait_for_log(qr/Keepalive accepted/, $before + 1);
}

sub lines {
    my ($text, $re) = @_;
    return scalar(my @matching = grep { /$re/ } ref $text ? $text->log : split /\n/, $text);
}

# Does the process live whose number is in this file? A zombie does not.
sub lives {
    my ($name) = @_;
    my ($pid) = content($name) =~ /(\d+)/ or die "no number in $name";
    open my $in, '<', "/proc/$pid/stat" or return 0;
    return (<$in> // '') !~ /\) [ZX] /;
}

sub wait_until {
    my ($code) = @_;
    for (1 .. 1500) {
        return 1 if $code->();
        sleep 0.02;
    }
    return 0;
}

subtest 'what it says' => sub {
    for my $status (0, 1, 2, 126, 127, 255) {
        my ($answer, $log) = answer("exit $status");
        is($answer, $status == 0 ? 'yes' : 'no', "status $status");
        like($log, $status == 0 ? qr/VPN is up: .*status 0$/m : qr/VPN is down: .*status $status$/m, 'told');
    }
    my ($answer, $log) = answer('kill -SEGV $$');
    is($answer, 'unknown', 'killed by a signal: it has not judged');
    like($log, qr/VPN state unknown: the health script was killed by signal 11/, 'told');
    ($answer) = answer('exit 7', VPN_SENTINEL_DEBUG => 'off');
    is($answer, 'no', 'without debug log likewise');
};

subtest 'what cannot be run' => sub {
    my %case = (
        'missing' => [sub { unlink $path }, qr/No such file/],
        'not executable' => [sub { write_file($path, "#!/bin/sh\nexit 0\n") }, qr/Permission denied/],
        'a folder' => [sub { unlink $path; mkdir $path }, qr/Permission denied|Is a directory/],
        'no program' => [sub { rmdir $path; write_file($path, "exit 0\n", 0755) }, qr/no #! line/, 'checks'],
        'no interpreter' => [sub { write_file($path, "#!/nonexistent/sh\n", 0755) }, qr/No such file/, 'checks'],
    );
    # valgrind ends where that one is to be executed.
    delete $case{'no interpreter'} if $ENV{VPS_VALGRIND};
    for my $name (grep { $case{$_} } 'missing', 'not executable', 'a folder', 'no program', 'no interpreter') {
        my ($prepare, $why, $checks) = @{ $case{$name} };
        $prepare->();
        my ($answer, $log) = answer();
        is($answer, 'unknown', $name);
        like($log, qr/VPN state unknown: the health script cannot be run: .*$why/, 'told');
        my $check = ClientDaemon->run(args => ['--check-config'], env => environment());
        is($check->{status}, $checks ? 0 : 2, '--check-config sees it, but not into the file');
        like($check->{err}, qr/VPN_SENTINEL_HEALTH_SCRIPT is "\Q$path\E" but must be a program: $why/, 'and says so')
            unless $checks;
    }
    script('exit 0');
    is(ClientDaemon->run(args => ['--check-config'], env => environment())->{status}, 0, 'a good one is good');
};

# Says which descriptors it has, and which signals are blocked: a shell would unblock them.
my $descriptors = <<"PERL";
open my \$status, '<', '/proc/self/status';
open my \$blocked, '>', '$folder/blocked';
print {\$blocked} grep { /^SigBlk/ } <\$status>;
close \$status;
open my \$parent, '>', '$folder/parent';
printf {\$parent} "%s -> %s\\n", \$_, readlink "/proc/\${\\ getppid}/fd/\$_" for 0 .. 2;
opendir my \$all, '/proc/self/fd';
open my \$out, '>', '$folder/fd';
printf {\$out} "%s -> %s\\n", \$_, readlink "/proc/self/fd/\$_" for grep { /\\d/ } readdir \$all;
PERL

subtest 'how it is run' => sub {
    # Looks at itself without a child: a shell that starts one blocks signals meanwhile.
    script(<<"SH");
env >$folder/env
while read -r name value; do
    case \$name in SigIgn*) echo "\$name \$value" ;; esac
done </proc/\$\$/status >$folder/signals
cat >$folder/stdin
echo \$\$ \$(cut -d' ' -f5 /proc/\$\$/stat) \$# >$folder/group
SH
    write_file("$folder/descriptors", "#!$^X\n$descriptors", 0755);
    local $^F = 100;    # these are inherited
    my @inherited = map { open my $fd, '<', '/etc/passwd' or die; $fd } 1 .. 20;
    local $SIG{CHLD} = 'IGNORE';
    local $SIG{USR2} = 'IGNORE';
    my $client = start_client(
        env => {
            VPN_SENTINEL_API_KEY => $KEY, IPINFO_API_TOKEN => $TOKEN, VPN_SENTINEL_GLUETUN_API_KEY => $KEY,
            NOTIFY_SOCKET => '/nowhere', WATCHDOG_USEC => 1000, MY_OWN => 'variable',
        },
    );
    ok($client->wait_for_log(qr/VPN is up/), 'its end is seen even where that is ignored');
    my $other = start_client(env => { VPN_SENTINEL_HEALTH_SCRIPT => "$folder/descriptors" });
    ok($other->wait_for_log(qr/VPN is up/), 'another script');
    my $env = content('env');
    unlike($env, qr/$KEY|$TOKEN/, 'no secret is in its environment');
    unlike($env, qr/^(?:VPN_SENTINEL_\w*API_KEY|IPINFO_API_TOKEN|NOTIFY_SOCKET|WATCHDOG_USEC)=/m, 'not by name either');
    like($env, qr/^MY_OWN=variable$/m, 'what is not ours is');
    like($env, qr/^VPN_SENTINEL_CHECK_INTERVAL=3600$/m, 'and what is no secret');
    # The two signals after 31 are the C library's own, which nobody may touch.
    like(content('signals'), qr/^SigIgn: 0+(?:180000000)?\n\z/, 'no signal is ignored');
    like(content('blocked'), qr/^SigBlk:\s+0+\n\z/, 'or blocked');
    is(content('stdin'), '', 'nothing to read');
    my %fd = content('fd') =~ /(\d+) -> (\S+)/g;
    is(delete $fd{0}, '/dev/null', 'from /dev/null');
    like(delete $fd{1}, qr/^pipe/, 'output is a pipe');
    like(delete $fd{2}, qr/^pipe/, 'so are errors');
    my @other = grep { !m{^(?:\Q$folder\E|/proc)/} } values %fd;
    is("@other", '', 'nothing else is open but what it opened itself');
    my ($pid, $group, $arguments) = split ' ', content('group');
    is($group, $pid, 'a process group of its own');
    is($arguments, 0, 'no arguments');
    $_->signal('TERM'), ok($_->wait_for_log(qr/Stopped by a signal/), 'stopped') for $client, $other;
};

subtest 'it does not speak to the service manager' => sub {
    my %manager = (NOTIFY_SOCKET => '/nowhere', WATCHDOG_USEC => 1_000_000, WATCHDOG_PID => $$, MY_OWN => 'variable');
    for my $mode (qw(--print --once)) {
        script("env >$folder/env");
        is(ClientDaemon->run(args => [$mode], env => environment(%manager))->{status}, 0, $mode);
        like(content('env'), qr/^MY_OWN=/m, 'has run it');
        unlike(content('env'), qr/^(?:NOTIFY|WATCHDOG)_/m, 'without its address');
        unlink "$folder/env";
    }
};

subtest 'what it writes' => sub {
    my ($answer, $log) = answer('echo one; echo "two wörds" >&2; printf "\r\n\n  three"');
    is($answer, 'yes');
    like($log, qr/\[script\] $_$/m, $_) for 'one', 'two wörds', '  three';
    is(lines($log, qr/\[script\]/), 3, 'each line is one');
    ($answer, $log) = answer('echo one', VPN_SENTINEL_DEBUG => 'off');
    is(lines($log, qr/\[script\]/), 0, 'only in the debug log');

    ($answer, $log) = answer('printf "a\000b\033[2J\377\342\200\256\n[2025-01-01 00:00:00] [report] forged\n"; exit 3');
    is($answer, 'no', 'binary output');
    like($log, qr/\[script\] a\?b\\x1B\[2J\\xFF\\xE2\\x80\\xAE$/m, 'escaped');
    is(lines($log, qr/^\[2025/), 0, 'nothing is forged');

    ($answer, $log) = answer('head -c 10000000 /dev/zero | tr "\000" x; head -c 3000000 /dev/zero >&2; exit 0');
    is($answer, 'yes', 'huge output does not disturb it');
    cmp_ok(length $log, '<', 8000, 'nor does it fill the log');
    like($log, qr/\[script\] x+\.\.\.$/m, 'its beginning is there');
    like($log, qr/\[script\] \(and more, which is not shown\)$/m, 'and says so');

    my $used = sub { (times)[2] + (times)[3] };
    my $before = $used->();
    answer('exit 4');
    my $least = $used->() - $before;
    ($answer, $log) = answer('exec >&- 2>&-; sleep 1; exit 4');
    is($answer, 'no', 'output closed long before the end');
    cmp_ok($used->() - $before - 2 * $least, '<', 0.5, 'which takes no processor time');

    ($answer, $log) = answer("echo the key is $KEY", VPN_SENTINEL_API_KEY => $KEY);
    unlike($log, qr/$KEY/, 'a secret that it knows is not shown');
    ($answer, $log) = answer("echo the key is $KEY", VPN_SENTINEL_GLUETUN_API_KEY => $KEY);
    unlike($log, qr/$KEY/, "nor gluetun's");
    my $long = $KEY x 5;
    ($answer, $log) = answer(qq(printf "%01990d%s" 0 $long), VPN_SENTINEL_API_KEY => $long);
    like($log, qr/\[script\] 0+\*+\.\.\.$/m, 'where a line is cut neither');
    ($answer, $log) = answer(qq(printf "%04000d\\n%080d%s" 0 0 $KEY), VPN_SENTINEL_API_KEY => $KEY);
    like($log, qr/\[script\] 0{80}\*+$/m, 'nor where all of it is');
};

# Whoever waits for what is left waits until the script's limit, or the test's.
subtest 'what it leaves behind' => sub {
    my ($answer) = answer("sleep 300 & echo \$! >$folder/left; exit 0");
    is($answer, 'yes', 'a child that holds the output keeps nobody waiting');
    ok(wait_until(sub { !lives('left') }), 'and is gone');
    ($answer) = answer("yes & echo \$! >$folder/left; exit 5");
    is($answer, 'no', 'nor one that goes on writing');
    ok(wait_until(sub { !lives('left') }), 'and is gone');
    ($answer) = answer("setsid sh -c 'echo \$\$ >$folder/left; exec sleep 300' & "
        . "while ! test -s $folder/left; do sleep 0.01; done; exit 0") if unlink "$folder/left";
    is($answer, 'yes', 'nor one in a session of its own');
    ok(lives('left'), 'which is left alone');
    kill 'KILL', content('left') =~ /(\d+)/;
    ($answer) = answer('setsid yes & sleep 0.2; exit 6');
    is($answer, 'no', 'nor one that writes from there for ever');
};

subtest 'TERM while it runs' => sub {
    for my $way ('sleep 300', 'trap "" TERM INT HUP; sleep 300; sleep 300', 'yes', 'setsid sleep 300') {
        unlink "$folder/started";
        script("sleep 300 & echo \$! >$folder/child; echo \$\$ >$folder/started; $way");
        my $client = start_client();
        ok(wait_until(sub { -s "$folder/started" }), 'it runs');
        is($client->end, 0, "ends: $way");
        unlike(scalar $client->log, qr/takes longer than/, 'before the script is over its limit');
        ok(wait_until(sub { !lives('started') && !lives('child') }), 'and nothing is left');
    }
    unlink "$folder/started";
    script("echo \$\$ >$folder/started; sleep 300");
    my $once = ClientDaemon->start(args => ['--once'], env => environment());
    ok(wait_until(sub { -s "$folder/started" }), 'it runs');
    is($once->end, 1, '--once');
};

subtest 'changes are told once' => sub {
    my $set = sub { write_file("$folder/status", shift) };
    $set->('exit 0');
    script(". $folder/status");
    my $client = start_client(env => { VPN_SENTINEL_DEBUG => 'off' });
    ok($client->wait_for_log(qr/Keepalive accepted/));
    another_round($client) for 1 .. 2;
    $set->('exit 1'), another_round($client) for 1 .. 3;
    $set->('kill -KILL $$'), another_round($client) for 1 .. 2;
    $set->('exit 1'), another_round($client) for 1 .. 2;
    is(lines($client, qr/VPN is up: the health script ends with status 0/), 1, 'up at first');
    is(lines($client, qr/VPN is down: /), 1, 'down');
    is(lines($client, qr/VPN state unknown: /), 1, 'unknown');
    $set->('exit 0'), another_round($client) for 1 .. 2;
    is(lines($client, qr/VPN is up again after \d+ s: /), 1, 'up again, and how long it was not');
    is(lines($client, qr/\[vpn\]/), 4, 'no other line');
    $set->('exit 1'), another_round($client) for 1 .. 2;
    is(lines($client, qr/VPN is down: /), 2, 'down again');
    is($client->end, 0);
};

subtest 'HUP: another script' => sub {
    my $config = sub { "VPN_SENTINEL_HEALTH_SCRIPT=$folder/$_[0]\n" };
    write_file("$folder/good", "#!/bin/sh\nexit 0\n", 0755);
    write_file("$folder/bad", "#!/bin/sh\nexit 9\n", 0755);
    my $client = start_client(
        env => { VPN_SENTINEL_HEALTH_SCRIPT => '', VPN_SENTINEL_DEBUG => 'off' }, config => $config->('good'));
    ok($client->wait_for_log(qr/VPN is up: /), 'the first');
    $client->configure($config->('bad'));
    $client->signal('HUP');
    ok($client->wait_for_log(qr/VPN is down: .*status 9/), 'the other');
    $client->signal('HUP');
    ok($client->wait_for_log(qr/VPN is down: .*status 9/, 2), 'who reloads is told again');
    is($client->end, 0);
};

subtest 'a slow one does not move the interval' => sub {
    script('sleep 1.5');
    my $client = start_client();
    ok($client->wait_for_log(qr/Next round in/));
    my ($ms) = $client->log =~ /Next round in (\d+) ms/;
    cmp_ok($ms, '<=', 3_598_500, 'the round counts from its start');
    is($client->end, 0);
};

subtest 'started without standard descriptors' => sub {
    plan skip_all => 'valgrind has some itself' if $ENV{VPS_VALGRIND};
    script("exec $^X $folder/descriptors");
    local %ENV = (%ENV, %{ environment() });
    my $program = ($ENV{VPS_BUILDDIR} // '.') . '/client/vpn-sentinel-client';
    is(system('sh', '-c', "exec '$program' --config /dev/null --once <&- >&- 2>&-") >> 8, 0, 'it works');
    my %fd = content('fd') =~ /(\d+) -> (\S+)/g;
    is($fd{0}, '/dev/null', 'as ever');
    like($fd{$_}, qr/^pipe/, 'as ever') for 1, 2;
    is(content('parent'), join('', map { "$_ -> /dev/null\n" } 0 .. 2), 'the log goes nowhere, not into a socket');
};

# All at once, because each of them takes its whole limit.
subtest 'over its limit' => sub {
    my %way = (
        hangs => 'sleep 300', stubborn => 'trap "" TERM INT; sleep 300; sleep 300', writes => 'yes',
        stopped => 'kill -STOP $$', silent => 'exec >&- 2>&-; sleep 300',
    );
    my %client;
    for my $name (sort keys %way) {
        write_file("$folder/$name", "#!/bin/sh\nsleep 300 & echo \$! >$folder/$name.child\n"
            . "echo \$\$ >$folder/$name.pid; echo before\n$way{$name}\n", 0755);
        $client{$name} = ClientDaemon->start(
            args => ['--print'], env => environment(VPN_SENTINEL_HEALTH_SCRIPT => "$folder/$name"));
    }
    for my $name (sort keys %way) {
        is($client{$name}->wait_exit, 0, $name);
        my $log = $client{$name}->log;
        like($log, qr/VPN state unknown: the health script takes longer than 10 s and was killed/, 'told');
        like($log, qr/\[script\] before$/m, 'what it wrote is there');
        ok(wait_until(sub { !lives("$name.pid") }), 'it is gone');
        ok(wait_until(sub { !lives("$name.child") }), 'its child too');
        open my $out, '<', $client{$name}->path('out') or die;
        like(scalar <$out>, qr/"vpn_connected":null/, 'unknown');
    }
};

done_testing;
