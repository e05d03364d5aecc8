# vpn-sentinel-ctl watch: drawn on a terminal, in lines elsewhere; servers that go and come back; its end.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;

use Ctl;
use LocalServer;
use Sentinel;

my $ENTER = "\e[?1049h\e[?25l";
my $LEAVE = "\e[?25h\e[?1049l";

my $sentinel = Sentinel->start;
my %good = (location => 'DE', dns_loc => 'DE', public_ip => '203.0.113.1');

sub report {
    my (%report) = @_;
    is(($sentinel->keepalive({ %good, %report }))[0], 200, "reported: $report{client_id}");
    return;
}

sub watch {
    my (%option) = @_;
    my %env = (VPN_SENTINEL_SERVER_URL => $sentinel->url(''), VPN_SENTINEL_API_KEY => $Sentinel::KEY,
        %{ delete $option{env} // {} });
    return Ctl->start(args => ['watch', @{ delete $option{args} // ['--interval', 1] }], env => \%env, %option);
}

sub state_of {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/stat" or return '';
    return (readline($in) =~ /\) (\w)/)[0];
}

report(client_id => 'office');

subtest 'in lines' => sub {
    my $watch = watch();
    ok($watch->wait_for(qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ 1 client: 1 green\n/), 'how it begins');
    report(client_id => 'berlin', dns_loc => 'FR');
    ok($watch->wait_for(qr/Z berlin: yellow \(DNS leak\), new\n/), 'a new client');
    report(client_id => 'office', public_ip => '203.0.113.2');
    ok($watch->wait_for(qr/Z office: green \(secure\), 203\.0\.113\.2 instead of 203\.0\.113\.1\n/), 'another address');
    report(client_id => 'berlin', vpn_connected => JSON::PP::false());
    ok($watch->wait_for(qr/Z berlin: red \(VPN down\), was yellow \(DNS leak\)\n/), 'another light');

    $sentinel->stop;
    ok($watch->wait_for_err(qr/ does not answer: .*; waiting\n/), 'the server goes');
    $sentinel->start_again;
    ok($watch->wait_for_err(qr/the server answers again after \d+ s\n/), '... and comes back');
    # One that has not read its store yet is told of as another fault.
    is(scalar(my @told = $watch->err =~ / does not answer: .*; waiting/g), 1, 'told once');
    $sentinel->api('DELETE', '/clients/berlin');
    ok($watch->wait_for(qr/Z berlin: gone\n/), 'one that is gone');
    is(scalar(my @lines = $watch->out =~ /\n/g), 5, 'a line for each change, and no more');
    kill 'INT', $watch->pid;
    is($watch->end, 0, 'Ctrl-C ends it');
    unlike($watch->out, qr/[^\n\x20-\x7e]/, 'plain text');
};

subtest 'one that is not well at the beginning' => sub {
    report(client_id => 'berlin', dns_loc => 'FR');
    my $watch = watch();
    ok($watch->wait_for(qr/Z 2 clients: 1 yellow, 1 green\n\S+Z berlin: yellow \(DNS leak\)\n/), 'is told');
    kill 'TERM', $watch->pid;
    is($watch->end, 0, 'SIGTERM ends it');
};

subtest 'a server that is away from the start' => sub {
    my $watch = watch(env => { VPN_SENTINEL_SERVER_URL => 'http://127.0.0.1:1' });
    ok($watch->wait_for_err(qr/; waiting\n/), 'is waited for');
    kill 'HUP', $watch->pid;
    is($watch->end, 0, 'SIGHUP ends it');
};

{
    package Fickle;
    use parent -norequire, 'LocalServer';

    sub service { return 'any' }
    sub answer { return (200, {}, '{"clients":[],"count":0}') }
}

subtest 'a server that fails again and again' => sub {
    my $server = Fickle->start;
    $server->misbehave(any => { status => 503, body => '' });
    my $watch = watch(env => { VPN_SENTINEL_SERVER_URL => $server->url });
    ok($watch->wait_until(sub { $server->requests('any') >= 3 }), 'is asked again');
    is($watch->err, 'vpn-sentinel-ctl: ' . $server->url . " fails (HTTP 503); waiting\n", '... and told once');
    $server->misbehave(any => { status => 429, header => { 'Retry-After' => 1 }, body => '' });
    ok($watch->wait_for_err(qr/waiting\n.* is asked too often: try again in 1 s; waiting\n/), 'once more for another reason');
    $server->behave('any');
    ok($watch->wait_for_err(qr/the server answers again after \d+ s\n\z/), '... and when it is over');
    ok($watch->wait_for(qr/Z 0 clients\n\z/), 'then it begins');
    kill 'INT', $watch->pid;
    is($watch->end, 0, 'Ctrl-C ends it');
};

subtest 'a server that refuses' => sub {
    my $watch = watch(env => { VPN_SENTINEL_API_KEY => 'wrong-key' });
    is($watch->end, 1, 'is not');
    like($watch->err, qr/refuses the API key/, '... and that is told');
};

subtest 'nobody who reads' => sub {
    my $watch = watch(by => ['sh', '-c', '"$@" | { head -n 1; exec <&-; echo closed >&2; }', 'sh']);
    ok($watch->wait_for_err(qr/closed/), 'any more');
    like($watch->out, qr/clients/, '... after a line');
    report(client_id => 'new');
    is($watch->end, 0, 'ends it');
};

# --- at a terminal --------------------------------------------------------------------------------

if (Ctl->can_have_terminal) {
    subtest 'drawn' => sub {
        my $watch = watch(terminal => [12, 100]);
        ok($watch->wait_for(qr/\A\Q$ENTER\E.*3 clients: .*● 2 green.*▲ yellow\e\[0m  berlin/s), 'the clients');
        ok($watch->wait_for(qr/every 1 s; q ends it/), 'and how it ends');
        $sentinel->stop;
        my $from = length $watch->out;
        ok($watch->wait_for(qr/\e\[31mAway for \d+ s: \S+ does not answer: .*berlin/s, $from), 'the server goes, what was known stays');
        $sentinel->start_again;
        $from = length $watch->out;
        ok($watch->wait_for(qr/ at \d\d:\d\d:\d\d UTC.*berlin/s, $from), '... and comes back');
        $watch->type("\x03");
        is($watch->end, 0, 'Ctrl-C ends it');
        like($watch->out, qr/\Q$LEAVE\E\z/, 'the screen is given back');
        is(scalar(my @entered = $watch->out =~ /\e\[\?1049h/g), 1, '... which was taken once');
    };

    subtest 'the terminal is as before' => sub {
        my $watch = watch(terminal => [12, 100], by => ['sh', '-c', 'stty -g; "$@"; stty -g', 'sh']);
        ok($watch->wait_for(qr/berlin/), 'it is drawn');
        $watch->type("nothing of this\nq");
        is($watch->end, 0, 'q ends it');
        my @modes = $watch->out =~ /([0-9a-f]+:[0-9a-f:]{40,})\r$/mg;
        is(scalar(@modes), 2, 'the modes, before and after');
        is($modes[1], $modes[0], '... are the same');
        unlike($watch->out, qr/nothing of this/, 'what is typed is not shown');
    };

    subtest 'another size' => sub {
        report(client_id => "client-$_") for 1 .. 9;
        my $watch = watch(terminal => [40, 100], args => ['--interval', 3600]);
        ok($watch->wait_for(qr/office.*\e\[J/s), 'all are drawn');
        unlike($watch->out, qr/and \d+ more/, '... really');
        my $from = length $watch->out;
        my $terminal = readlink '/proc/' . $watch->pid . '/fd/1';
        is(system("stty -F $terminal rows 8"), 0, 'the window shrinks');
        ok($watch->wait_for(qr/\.\.\. and 9 more\e\[0m\e\[K\e\[J/, $from), 'it is drawn anew');
        my $frame = substr $watch->out, $from;
        is(scalar(my @line = $frame =~ /\r\n/g), 7, 'on all lines that there are');
        $from = length $watch->out;
        is(system("stty -F $terminal rows 3"), 0, 'and once more');
        ok($watch->wait_for(qr/\e\[J/, $from), 'it is drawn anew');
        is(scalar(@line = substr($watch->out, $from) =~ /\r\n/g), 2, 'not beyond its end');
        kill 'TERM', $watch->pid;
        is($watch->end, 0, 'SIGTERM ends it');
        like($watch->out, qr/\Q$LEAVE\E\z/, 'the screen is given back');
    };

    subtest 'a pause' => sub {
        my $watch = watch(terminal => [12, 100], args => ['--interval', 3600]);
        ok($watch->wait_for(qr/berlin/), 'it is drawn');
        my $from = length $watch->out;
        $watch->type("\x1a");
        ok($watch->wait_until(sub { state_of($watch->pid) eq 'T' }), 'Ctrl-Z stops it');
        my $is_drawn = sub { $watch->resume; return substr($watch->out, $from) =~ /\Q$LEAVE$ENTER\E.*berlin/s };
        ok($watch->wait_until($is_drawn), 'the screen was given back, and is drawn again');
        $watch->type('q');
        is($watch->end, 0, 'q ends it');
    };

    subtest 'a fault at the end' => sub {
        my $watch = watch(terminal => [12, 100], env => { VPN_SENTINEL_API_KEY => 'wrong-key' });
        is($watch->end, 1, 'exit status');
        like($watch->out, qr/\Q$LEAVE\Evpn-sentinel-ctl: .*refuses the API key/, 'is told on the old screen');
    };

    subtest 'a dumb terminal' => sub {
        my $watch = watch(terminal => [12, 100], env => { TERM => 'dumb' });
        ok($watch->wait_for(qr/Z \d+ clients: /), 'has lines');
        $watch->type("\x03");
        is($watch->end, 0, 'Ctrl-C ends it');
        unlike($watch->out, qr/\e/, 'without escape sequences');
    };
} else {
    note 'script is not installed: nothing is drawn';
}

$sentinel->check_error_log;
done_testing;
