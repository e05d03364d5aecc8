# vpn-sentinel-ctl: what it shows, what it takes, what it says when that fails.
use strict;
use warnings;
use utf8;

use Encode ();
use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;

use Ctl;
use LocalServer;
use Sentinel;
use SourceTree qw(content);

my $KEY = $Sentinel::KEY;
my $SOURCE = $ENV{VPS_SRCDIR} // '.';
my $JSON = JSON::PP->new->utf8;
my $folder = tempdir('ctl-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $has_terminal = Ctl->can_have_terminal;

my $sentinel = Sentinel->start(
    conf => "VPNSentinelServerPublicIP 198.51.100.1\nVPNSentinelOfflineThreshold 1h\n",
);
my $URL = $sentinel->url('');

sub put {
    my ($name, $text, $mode) = @_;
    open my $out, '>', "$folder/$name" or die "$name: $!";
    print {$out} $text;
    close $out or die "$name: $!";
    chmod $mode // 0600, "$folder/$name" or die "$name: $!";
    return "$folder/$name";
}

# Runs a command with the server and the key in the environment.
sub ctl {
    my ($args, %option) = @_;
    my %env = (VPN_SENTINEL_SERVER_URL => $URL, VPN_SENTINEL_API_KEY => $KEY, %{ delete $option{env} // {} });
    return Ctl->run(args => $args, env => \%env, %option);
}

sub is_said {
    my ($done, $status, $re, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($done->{status}, $status, "$name: exit status $status");
    like($done->{err}, qr/\Avpn-sentinel-ctl: $re\n\z/, '... told in a line');
    is($done->{out}, '', '... and nothing else');
    return;
}

sub lines {
    my ($done) = @_;
    return map { [ split / {2,}/ ] } split /\n/, $done->{out};
}

# --- the fleet ------------------------------------------------------------------------------------

my %good = (location => 'DE', city => 'Köln', dns_loc => 'DE', dns_colo => 'CGN', provider => 'AT&T <x>');
my @fleet = (
    { %good, client_id => 'office', public_ip => '203.0.113.1' },
    { %good, client_id => 'tokyo', public_ip => '203.0.113.2', location => 'JP', city => '東京', dns_loc => 'JP' },
    { %good, client_id => 'leaky', public_ip => '203.0.113.3', dns_loc => 'FR' },
    { %good, client_id => 'bypass-1', public_ip => '198.51.100.1' },
    { %good, client_id => 'down', public_ip => '203.0.113.4', vpn_connected => JSON::PP::false },
    { %good, client_id => 'tricky', city => "a\\\x{202e}b\x{200b}c e\x{301}" },
);
for my $report (@fleet) {
    is(($sentinel->keepalive($report))[0], 200, "reported: $report->{client_id}");
}
$sentinel->api('POST', '/register', { content => { client_id => 'never' } });

subtest 'list' => sub {
    my $done = ctl(['list']);
    is($done->{status}, 0, 'exit status');
    is($done->{err}, '', 'no complaint');
    my ($head, @rows) = lines($done);
    is("@$head", 'LIGHT CLIENT STATE LAST SEEN PUBLIC IP PLACE DNS', 'heads');
    is(join(' ', map { $_->[1] } @rows), 'bypass-1 down never leaky office tokyo tricky', 'the worst first, then by id');
    is(join(' ', map { $_->[0] } @rows), 'red red grey yellow green green green', 'lights, without marks');
    is(join(', ', map { $_->[2] } @rows), 'bypass, VPN down, offline, DNS leak, secure, secure, secure', 'why');
    like($rows[0][3], qr/^\d+ (?:s|min) ago$/, 'last seen');
    is_deeply([ @{ $rows[2] }[ 3 .. 6 ] ], ['never', '-', '-', '-'], 'what is not known');
    is_deeply([ @{ $rows[5] }[ 4 .. 6 ] ], ['203.0.113.2', '東京, JP', 'JP (CGN)'], 'what is');
    is($rows[6][5], "a\\\\\\xE2\\x80\\xAEb\\xE2\\x80\\x8Bc e\x{301}, DE", 'what would mislead is escaped');
    unlike($done->{out}, qr/[\x00-\x09\x0b-\x1f\x7f-\x9f\x{202e}]| $/m, 'no control characters, no spaces at the end');

    is(join(' ', map { $_->[1] } lines(ctl(['list', '--status', 'offline']))), 'CLIENT never', '--status offline');
    is(scalar(my @online = lines(ctl(['list', '--status', 'online']))), 7, '--status online');
    is(join(' ', map { $_->[1] } lines(ctl(['list', '--light', 'red']))), 'CLIENT bypass-1 down', '--light red');
    like((lines(ctl(['list', '--utc'])))[1][3], qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, '--utc');
    like(ctl(['list'], env => { LC_ALL => 'C' })->{out}, qr/ K\\xC3\\xB6ln, DE /, 'a locale without UTF-8');
};

subtest 'columns stand under each other' => sub {
    my @line = split /\n/, ctl(['list'])->{out};
    my $width = sub { my ($text) = @_; return length($text =~ s/\x{301}//gr) + ($text =~ tr/東京//) };
    my %at = map { $width->(/^(.*?)\S+ \(CGN\)$/) => 1 } grep { /CGN/ } @line;
    is(scalar(keys %at), 1, 'also behind characters that are wide, or that combine');
};

subtest 'list as JSON' => sub {
    my $done = ctl(['list', '--json']);
    is($done->{status}, 0, 'exit status');
    my (undef, $expected) = $sentinel->api('GET', '/clients');
    is_deeply($JSON->decode(Encode::encode('UTF-8', $done->{out})), $expected, "the API's own");
    is(scalar($done->{out} =~ tr/\n//), 1, 'in a line');
    like($done->{out}, qr/"a\\\\\\u202eb\\u200bc e\x{301}"/, 'without what would mislead');
    $done = ctl(['list', '--json', '--light', 'yellow']);
    my $some = $JSON->decode(Encode::encode('UTF-8', $done->{out}));
    is_deeply([ $some->{count}, map { $_->{client_id} } @{ $some->{clients} } ], [1, 'leaky'], '--light');
    is(ctl(['list', '--json', '--status', 'offline', '--light', 'red'])->{out}, qq({"clients":[],"count":0}\n), 'none');
};

subtest 'list --fail-on' => sub {
    is(ctl(['list', '--fail-on', $_])->{status}, 1, $_) for qw(red grey yellow green);
    is(ctl(['list', '--fail-on', 'red', '--light', 'grey'])->{status}, 0, 'of those listed');
    is(ctl(['list', '--fail-on', 'yellow', '--light', 'grey'])->{status}, 1, 'a worse one counts');
    is(ctl(['list', '--fail-on', 'red', '--json'])->{status}, 1, 'as JSON');
    is(ctl(['list', '--fail-on', 'red', '--json', '--light', 'green'])->{status}, 0, 'as JSON, of those listed');
};

subtest 'show' => sub {
    my %shown = map { my ($label, $value) = /^(.*?) {2,}(.*)$/; ($label => $value) } split /\n/, ctl(['show', 'tokyo'])->{out};
    is($shown{Client}, 'tokyo', 'who');
    is($shown{State}, 'green: secure', 'light and why');
    is($shown{Place}, '東京, JP', 'place');
    is($shown{Provider}, 'AT&T <x>', 'provider');
    is($shown{'Seen from'}, '127.0.0.1', 'address that the server saw');
    is($shown{VPN}, 'unknown', 'what is not known');
    is($shown{Reports}, '1', 'reports');
    like($shown{'First seen'}, qr/^\d+ (?:s|min) ago$/, 'times');
    like(ctl(['show', 'down'])->{out}, qr/^VPN +down$/m, 'the VPN');
    like(ctl(['show', 'tokyo', '--utc'])->{out}, qr/^Last seen +\d{4}-\d\d-\d\dT\S+Z$/m, '--utc');
    is_deeply($JSON->decode(Encode::encode('UTF-8', ctl(['show', 'tokyo', '--json'])->{out})),
        $sentinel->client('tokyo'), '--json');
    is_said(ctl(['show', 'nobody']), 1, qr/there is no client nobody/, 'nobody');
};

subtest 'events' => sub {
    ok($sentinel->wait_for(sub { grep { $_->{event} eq 'bypass' } $sentinel->events }), 'the bypass is announced');
    $sentinel->is_announced('tricky', 'connected', 'the last one');
    $sentinel->keepalive({ %{ $fleet[0] }, public_ip => '203.0.113.77' });
    $sentinel->is_announced('office', 'connected ip_changed', 'a new address');
    my ($head, @rows) = lines(ctl(['events']));
    is("@$head", 'TIME CLIENT EVENT DETAIL', 'heads');
    is_deeply([ @{ $rows[0] }[ 1 .. 3 ] ], ['office', 'ip changed', '203.0.113.1 → 203.0.113.77, Köln, DE, AT&T <x>'], 'newest first');
    is_deeply([ @{ $rows[-1] }[ 1, 2 ] ], ['(server)', 'server started'], 'the server');
    is(scalar(my @one = lines(ctl(['events', '--limit', 1]))), 2, '--limit');
    is(join(' ', map { $_->[1] } lines(ctl(['events', '--client', 'office']))), 'CLIENT office office', '--client');
    is(scalar(my @all = lines(ctl(['events', '--since', '1h']))), 1 + @rows, '--since, how long ago');
    is(scalar(my @none = lines(ctl(['events', '--since', '2100-01-01T00:00:00Z']))), 1, '--since, a time');
    my (undef, $expected) = $sentinel->api('GET', '/events');
    is_deeply($JSON->decode(Encode::encode('UTF-8', ctl(['events', '--json'])->{out})), $expected, '--json');
    is(ctl(['events', '--json', '--client', 'nobody'])->{out}, qq({"events":[],"count":0}\n), '--json, none');
};

subtest 'status' => sub {
    my $done = ctl(['status']);
    like($done->{out}, qr/^Server +\Q$URL\E\nVersion +\S+, running for \d+ \w+$/m, 'server');
    like($done->{out}, qr/^Clients +7 of 10000: 2 red, 1 grey, 1 yellow, 3 green$/m, 'clients');
    like($done->{out}, qr/^Public IP +198\.51\.100\.1 \(configured\)\nMonitor +running\nStore +ok \(sqlite\)\nTelegram +off$/m, 'the rest');
    my $json = $JSON->decode(ctl(['status', '--json'])->{out});
    is($json->{clients}{total}, 7, '--json');
};

subtest 'delete' => sub {
    $sentinel->api('POST', '/register', { content => { client_id => "extra-$_" } }) for 1 .. 5;
    is_said(ctl(['delete', 'extra-1']), 2, qr/delete asks before, and nobody is there to answer: give --yes/, 'no terminal');
    ok($sentinel->client('extra-1'), '... it is there');
    my $done = ctl(['delete', 'extra-1', '--yes']);
    is("$done->{status} $done->{out}", "0 Removed extra-1\n", '--yes');
    ok(!$sentinel->client('extra-1'), '... it is gone');
    $done = ctl(['delete', '--yes', 'extra-1', 'extra-2']);
    is($done->{status}, 1, 'one that is not there');
    is($done->{err}, "vpn-sentinel-ctl: there is no client extra-1\n", '... is told');
    is($done->{out}, "Removed extra-2\n", '... the other one goes');
    is_deeply($JSON->decode(ctl(['delete', 'extra-3', '--yes', '--json'])->{out}), { status => 'ok', message => 'Client removed' }, '--json');

    SKIP: {
        skip 'script is not installed', 5 unless $has_terminal;
        for my $answer ("n\n", "\n", "yesterday\n") {
            $done = ctl(['delete', 'extra-4', 'extra-5'], terminal => [24, 80], input => $answer);
            like($done->{out}, qr{Remove extra-4, extra-5\? \[y/N\] .*nothing is removed\r\n\z}s, 'asked: ' . ($answer =~ s/\n//r));
        }
        is($done->{status}, 1, '... exit status');
        ctl(['delete', 'extra-4', 'extra-5'], terminal => [24, 80], input => "y\n");
        ok(!$sentinel->client('extra-4') && !$sentinel->client('extra-5'), 'asked: y');
    }
};

subtest 'at a terminal' => sub {
    plan skip_all => 'script is not installed' unless $has_terminal;
    my $out = ctl(['list'], terminal => [24, 200])->{out};
    like($out, qr/\e\[31m■ red {3}\e\[0m  bypass-1/, 'red');
    like($out, qr/\e\[90m○ grey/, 'grey');
    like($out, qr/\e\[33m▲ yellow/, 'yellow');
    like($out, qr/\e\[32m● green/, 'green');
    for my $width (200, 80, 60, 40, 20) {
        my @line = map { s/\e\[\d+m//gr =~ s/東京/xxxx/r =~ s/\x{301}//gr }
            split /\r\n/, ctl(['list'], terminal => [24, $width])->{out};
        is(scalar(grep { length > $width } @line), 0, "$width columns: no line is longer");
        is(scalar @line, 8, '... none is missing');
    }
    unlike(ctl(['list'], terminal => [24, 80], env => { NO_COLOR => 1 })->{out}, qr/\e|■/, 'NO_COLOR');
    unlike(ctl(['list'], terminal => [24, 80], env => { TERM => 'dumb' })->{out}, qr/\e|■/, 'TERM=dumb');
    like(ctl(['list'], terminal => [24, 80], env => { LC_ALL => 'C' })->{out}, qr/\e\[31mred {3}\e\[0m/,
        'a locale without marks');
    like(ctl(['list'], terminal => [24, 80], env => { NO_COLOR => '' })->{out}, qr/\e/, 'an empty NO_COLOR is none');
};

# --- settings -------------------------------------------------------------------------------------

subtest 'server and key' => sub {
    my $key = put('key', "# of the office\n\n$KEY\n");
    my $wrong = put('wrong', "wrong-key-0123\n");
    my %none = (VPN_SENTINEL_API_KEY => undef, VPN_SENTINEL_SERVER_URL => undef);
    my @case = (
        ['the environment', ['status']],
        ['a key file of the environment', ['status'], { VPN_SENTINEL_API_KEY => undef, VPN_SENTINEL_API_KEY_FILE => $key }],
        ['--key-file beats the environment', ['status', '--key-file', $key], { VPN_SENTINEL_API_KEY => 'wrong-key-0123' }],
        ['--key-file beats a file, too', ['status', '--key-file', $key],
            { VPN_SENTINEL_API_KEY => undef, VPN_SENTINEL_API_KEY_FILE => $wrong }],
        ['--server beats the environment', ['status', '--server', "$URL/"], { VPN_SENTINEL_SERVER_URL => 'http://127.0.0.1:1' }],
        ['a path', ['status'], { VPN_SENTINEL_API_PATH => 'api/v1/' }],
        ['the file', ['status'], {%none}, "VPN_SENTINEL_SERVER_URL=$URL\nVPN_SENTINEL_API_KEY=$KEY\nVPN_SENTINEL_CLIENT_ID=x\n"],
        ['the environment beats the file', ['status'], {}, "VPN_SENTINEL_SERVER_URL=http://127.0.0.1:1\nVPN_SENTINEL_API_KEY=no\n"],
    );
    for my $case (@case) {
        my ($name, $args, $env, $config) = @$case;
        my $done = ctl($args, env => $env // {}, config => $config // '');
        is("$done->{status} $done->{err}", '0 ', $name);
    }
    my $done = ctl(['status', '--key-file', put('open', "$KEY\n", 0644)]);
    is("$done->{status} $done->{err}", "0 vpn-sentinel-ctl: warning: everybody can read the key in $folder/open: chmod o-r will do\n",
        'a key file that everybody can read');
    is(ctl(['status'], env => { VPN_SENTINEL_API_KEY_FILE => "$folder/open", VPN_SENTINEL_API_KEY => undef })->{err} =~ /warning/, 1,
        '... of the environment');
};

subtest "the client's own file" => sub {
    plan skip_all => 'cannot give the program a file system of its own' unless VpsHttpd->can_mount;
    my $file = put('client.conf', "VPN_SENTINEL_SERVER_URL=$URL\nVPN_SENTINEL_API_KEY=$KEY\n");
    my $run = sub {
        my ($copy) = @_;
        return ctl(['status'], env => { VPN_SENTINEL_SERVER_URL => undef, VPN_SENTINEL_API_KEY => undef }, default_config => 1,
            by => ['unshare', '--mount', 'sh', '-c', "mount -t tmpfs none /etc && $copy && exec \"\$@\"", 'sh']);
    };
    is($run->("mkdir /etc/vpn-sentinel && cp '$file' /etc/vpn-sentinel")->{status}, 0, 'is read');
    like($run->('true')->{err}, qr{\Avpn-sentinel-ctl: http://localhost:5000 }, 'may be missing');
};

subtest 'whose key is refused' => sub {
    my $wrong = put('wrong', "wrong-key-0123\n");
    my $none = { VPN_SENTINEL_API_KEY => undef };
    my $refused = qr/\Q$URL\E refuses the API key, which is from /;
    is_said(ctl(['list'], env => { VPN_SENTINEL_API_KEY => 'wrong-key-0123' }), 1,
        qr/${refused}VPN_SENTINEL_API_KEY in the environment/, 'the environment');
    is_said(ctl(['list'], env => { %$none, VPN_SENTINEL_API_KEY_FILE => $wrong }), 1,
        qr/${refused}VPN_SENTINEL_API_KEY_FILE in the environment/, 'a file of the environment');
    is_said(ctl(['list', '--key-file', $wrong]), 1, qr/${refused}--key-file/, '--key-file');
    is_said(ctl(['list'], env => $none, config => 'VPN_SENTINEL_API_KEY=wrong-key-0123'), 1,
        qr/${refused}VPN_SENTINEL_API_KEY in \S+config/, 'the file');
    is_said(ctl(['list'], env => $none, config => "VPN_SENTINEL_API_KEY_FILE=$wrong"), 1,
        qr/${refused}VPN_SENTINEL_API_KEY_FILE in \S+config/, 'a file of the file');
    is_said(ctl(['list'], env => $none), 1, qr/\Q$URL\E wants an API key, and there is none: give --key-file, .*/, 'none');
};

subtest 'bad usage' => sub {
    my @case = (
        [[], qr/no command is given: see --help/],
        [['lst'], qr/there is no command "lst": see --help/],
        [['list', 'x'], qr/list does not take "x"/],
        [['show'], qr/show needs the id of a client/],
        [['show', 'a b'], qr/"a b" is not the id of a client/],
        [['show', "\e[2J"], qr/"\\x1B\[2J" is not the id of a client/],
        [['show', 'a', 'b'], qr/show does not take "b"/],
        [['delete'], qr/delete needs the id of a client/],
        [['delete', '--json', '--yes', 'a', 'b'], qr/delete takes one client with --json/],
        [['list', '--status', 'up'], qr/--status is "up" but must be online or offline/],
        [['list', '--light', 'blue'], qr/--light is "blue" but must be green, yellow, red or grey/],
        [['list', '--fail-on', 'x'], qr/--fail-on is "x" but must be .*/],
        [['list', '--nonsense'], qr/there is no option "--nonsense": see --help/],
        [['list', "--\e[2J"], qr/there is no option "--\\x1B\[2J": see --help/],
        [['list', '-x'], qr/there is no option "-x": see --help/],
        [['list', '--json=1'], qr/there is no option "--json=1": see --help/],
        [['list', '--light'], qr/--light needs a value/],
        [['list', '--limit', 1], qr/--limit is not for list/],
        [['watch', '--json'], qr/--json is not for watch/],
        [['events', '--since', 'soon'], qr/--since is "soon" but must be a time .*/],
        [['events', '--client', 'a_b'], qr/--client is "a_b" but must be a client's id/],
        (map { [['events', '--limit', $_], qr/--limit is "\Q$_\E" but must be a whole number from 1 to 1000/] } 0, 1001, '', '1x', -1),
        [['watch', '--interval', 0], qr/--interval is "0" but must be a whole number from 1 to 3600/],
        [['list', '--server', 'ftp://x'], qr/--server is "ftp:\/\/x" but must be .*/],
        [['list', '--key-file', '/nowhere'], qr/--key-file is "\/nowhere" but must be a readable file: .*/],
    );
    is_said(ctl($_->[0]), 2, $_->[1], "@{ $_->[0] }") for @case;
    is_said(Ctl->run(args => ['list'], config => "NONSENSE=1\n"), 2, qr/\S+config, line 1: NONSENSE is not a setting of this program/, 'the file');
};

subtest 'help and version' => sub {
    my $help = Ctl->run(args => ['--help']);
    is($help->{status}, 0, '--help');
    like($help->{out}, qr/^Usage: vpn-sentinel-ctl .*^ {2}list .*^Exit status/ms, '... tells');
    is(scalar(grep { length > 80 } split /\n/, $help->{out}), 0, '... in 80 columns');
    my $version = Ctl->run(args => ['--version']);
    like("$version->{status} $version->{out}", qr/\A0 vpn-sentinel-ctl \d[\d.]*\n\z/, '--version');
    my $manual = content('man/vpn-sentinel-ctl.1') =~ s/\\-/-/gr;
    my ($table) = content('ctl/arguments.c') =~ /option flags\[\] = \{(.*?)\};/s;
    for my $flag ($table =~ /\{"([a-z-]+)"/g) {
        like($help->{out}, qr/--\Q$flag\E\b/, "--help tells --$flag");
        like($manual, qr/^\.It Fl -\Q$flag\E\b/m, '... and so does the manual page');
    }
    my ($commands) = content('ctl/arguments.c') =~ /commands\[\] = \{(.*?)\n\};/s;
    for my $command ($commands =~ /\{"([a-z]+)"/g) {
        like($help->{out}, qr/^ {2}$command\b/m, "--help tells $command");
        like($manual, qr/^\.It Ic \Q$command\E\b/m, '... and so does the manual page');
    }
};

subtest 'completion' => sub {
    plan skip_all => 'bash is not installed' if system('bash -c true 2>/dev/null') != 0;
    my $completed = sub {
        my ($word, $before) = @_;
        my $script = "$SOURCE/ctl/vpn-sentinel-ctl.bash";
        open my $out, '-|', 'bash', '--norc', '-c', '. "$0" && _vpn_sentinel_ctl x "$1" "$2" && echo "${COMPREPLY[*]}"',
            $script, $word, $before or die "bash: $!";
        return join '', readline $out;
    };
    my ($table) = content('ctl/arguments.c') =~ /option flags\[\] = \{(.*?)\};/s;
    my ($commands) = content('ctl/arguments.c') =~ /commands\[\] = \{(.*?)\n\};/s;
    my @known = sort((map { "--$_" } $table =~ /\{"([a-z-]+)"/g), $commands =~ /\{"([a-z]+)"/g);
    is(join(' ', sort split ' ', $completed->('', 'vpn-sentinel-ctl')), "@known", 'all commands and options');
    is($completed->('--s', 'list'), "--status --since --server\n", 'the beginning of an option');
    is($completed->('', '--light'), "green yellow grey red\n", 'words of an option');
    is($completed->('', '--server'), "\n", 'nothing, where anything may stand');
};

# --- servers that are none ------------------------------------------------------------------------

{
    package Stranger;
    use parent -norequire, 'LocalServer';

    sub service { return 'any' }
    sub answer { return (200, {}, '{"clients":[],"count":0}') }
}

my $stranger = Stranger->start;

# What a command says of a server that answers so. Only where none comes has it little time for an answer.
sub said {
    my ($fault, @args) = @_;
    $stranger->misbehave(any => $fault);
    my $done = Ctl->run(args => [@args ? @args : 'list'],
        env => { VPN_SENTINEL_SERVER_URL => $stranger->url, VPN_SENTINEL_API_KEY => $KEY,
            VPN_SENTINEL_TIMEOUT => $fault->{hang} ? 1 : 30 });
    $stranger->behave('any');
    return $done;
}

my $WHERE = $stranger->url;
my $FOREIGN = qr/the answer from \Q$WHERE\E\/api\/v1 is not of a VPN Sentinel server/;

subtest 'refusals and failures' => sub {
    my $error = sub { my ($status, $message, $header) = @_;
        return { status => $status, header => $header // {}, body => JSON::PP->new->encode({ error => 'x', message => $message }) } };
    is_said(said($error->(403, 'Your IP address is not authorized')), 1,
        qr/\Q$WHERE\E refuses \(HTTP 403\): Your IP address is not authorized/, '403');
    is_said(said($error->(429, 'x', { 'Retry-After' => 7 })), 1, qr/\Q$WHERE\E is asked too often: try again in 7 s/, '429');
    is_said(said($error->(429, 'x')), 1, qr/\Q$WHERE\E is asked too often: try again later/, '429 without a time');
    is_said(said($error->(400, 'limit')), 1, qr/\Q$WHERE\E refuses \(HTTP 400\): limit/, '400');
    is_said(said($error->(503, 'Server busy')), 1, qr/\Q$WHERE\E fails \(HTTP 503\): Server busy/, '503');
    is_said(said({ status => 502, body => '<html>' }), 1, qr/\Q$WHERE\E fails \(HTTP 502\)/, '502');
    is_said(said({ status => 404, body => '<html>no such page' }), 1, qr/$FOREIGN \(HTTP 404\): see --server .*/, "a stranger's 404");
    is_said(said({ status => 404, body => '<html>no such page' }, 'show', 'office'), 1, qr/$FOREIGN .*/, '... when a client is asked for');
    is_said(said({ status => 302, header => { Location => 'https://else.example/x?key=1' } }), 1,
        qr{\Q$WHERE\E redirects to https://else\.example/x, which is not followed: .*}, 'a redirect');
    is_said(said($error->(503, "\e]0;x\a\x{202e} $KEY")), 1,
        qr/.*: \\x1B\]0;x\\x07\\xE2\\x80\\xAE \*{12}/, 'an escape sequence, and the key in an error');
    is_said(said({ drop => 1 }), 1, qr/\Q$WHERE\E does not answer: \S.*/, 'no answer');
    is_said(said({ hang => 1 }), 1, qr/\Q$WHERE\E does not answer: \S.*/, 'silence');
    is_said(said({ cut => 1 }), 1, qr/\Q$WHERE\E does not answer: \S.*/, 'half an answer');
    is_said(said({ garbage => 1 }), 1, qr/$FOREIGN .*/, 'no HTTP');
    is_said(Ctl->run(args => ['list', '--server', 'http://127.0.0.1:1']), 1, qr/http:\/\/127\.0\.0\.1:1 does not answer: \S.*/, 'nobody');
};

subtest 'answers that are none' => sub {
    my %client = (client_id => 'a', light => 'red', conditions => []);
    my $list = sub { my ($count, @client) = @_;
        return { body => JSON::PP->new->encode({ clients => [ map { { %client, %$_ } } @client ], count => $count }) } };
    my @case = (
        ['no JSON', { body => '<html>Welcome to our hotel' }],
        ['another object', { body => '{"status":"ok"}' }],
        ['nothing', { body => '' }],
        ['a wrong count', $list->(3, {})],
        ['a client without an id', $list->(1, { client_id => undef })],
        ['an id that is none', $list->(1, { client_id => "a\e[2Jb" })],
        ['a light that there is not', $list->(1, { light => 'blue' })],
        ['wrong types', $list->(1, { conditions => 'bypass' })],
        ['deep nesting', { body => '{"clients":[{"client_id":' . '[' x 50_000 }],
        ['an entry without an end', { body => '{"clients":[{"client_id":"' . 'x' x 100_000 }],
        ['a list of other things', { body => '{"clients":[1,2],"count":2}' }],
    );
    for my $case (@case) {
        is_said(said($case->[1]), 1, qr/$FOREIGN \(\w.*\): see --server .*/, $case->[0]);
    }
    is_said(said({ body => '{"status":1}' }, 'status'), 1, qr/$FOREIGN .*/, 'a status that is none');
    is_said(said({ body => '[' x 50_000 }, 'status'), 1, qr/$FOREIGN \(it is no valid JSON\).*/, 'a deep status');
    is_said(said({ body => '{"a":"' . 'x' x 300_000 . '"}' }, 'status'), 1, qr/$FOREIGN \(it is too long\).*/, 'a long status');
    is_said(said({ body => '{"client_id":"a"}' }, 'show', 'a'), 1, qr/$FOREIGN .*/, 'a client that is none');
    is_said(said({ body => '{"events":[{"time":1}],"count":1}' }, 'events'), 1, qr/$FOREIGN .*/, 'events that are none');

    my $done = said($list->(2, {}), 'list', '--json');
    is($done->{status}, 1, 'a cut list as JSON: exit status');
    ok(!eval { $JSON->decode($done->{out}); 1 }, '... nobody takes it for a whole one');
};

subtest 'a disk that is full' => sub {
    plan skip_all => 'no /dev/full' unless -w '/dev/full';
    my $done = ctl(['list'], by => ['sh', '-c', 'exec "$@" >/dev/full', 'sh']);
    is("$done->{status} $done->{err}", "1 vpn-sentinel-ctl: standard output cannot be written\n", 'is no success');
};

# --- TLS ------------------------------------------------------------------------------------------

subtest 'TLS' => sub {
    plan skip_all => 'openssl is not installed' if system('openssl version >/dev/null 2>&1') != 0;
    my $make = 'openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1'
        . ' -addext basicConstraints=critical,CA:FALSE';
    is(system("cd '$folder' && $make -keyout tls.key -out tls.pem >/dev/null 2>&1"), 0, 'a certificate');
    chmod 0755, $folder;
    my $httpd = Sentinel->start(modules => [qw(socache_shmcb ssl)], conf => <<"CONF");
SSLSessionCache "shmcb:\@ROOT\@/run/ssl(65536)"
SSLEngine on
SSLCertificateFile "$folder/tls.pem"
SSLCertificateKeyFile "$folder/tls.key"
CONF
    my $server = 'https://127.0.0.1:' . $httpd->port;
    is_said(ctl(['status', '--server', $server]), 1, qr/no trusted connection to \Q$server\E \(TLS\): \S.*/, 'unknown to the system');
    is(ctl(['status', '--server', $server], env => { VPN_SENTINEL_TLS_CERT_PATH => "$folder/tls.pem" })->{status}, 0, 'an own CA');
    my $done = ctl(['status', '--server', $server], env => { VPN_SENTINEL_ALLOW_INSECURE => 'true' });
    is($done->{status}, 0, 'trusting anybody');
    like($done->{err}, qr/\Avpn-sentinel-ctl: warning: VPN_SENTINEL_ALLOW_INSECURE is set: .* NOT checked\n\z/, '... with a warning');
    is_said(ctl(['status'], env => { VPN_SENTINEL_TLS_CERT_PATH => "$folder/none.pem" }), 2,
        qr/VPN_SENTINEL_TLS_CERT_PATH is ".*" but must be a readable file: .*/, 'a file that is not there');
    $httpd->check_error_log;
};

$sentinel->check_error_log(allow => [qr{VPN BYPASS}]);
done_testing;
