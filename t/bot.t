# What the bot answers, and to whom.
use strict;
use warnings;
use utf8;

use Encode ();
use JSON::PP ();
use List::Util qw(sum0);
use Test::More;

use AlertText;
use BotApi;
use Sentinel;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my $OWN = '198.51.100.7';
my $HELP = qr{/help};

# The tests' clients, a light each; one has only registered.
my %GOOD = (location => 'DE', city => 'Köln', region => 'NRW', country => 'Germany',
    dns_loc => 'DE', dns_colo => 'CGN', provider => 'AS1 <Net> & "Co"',
    vpn_connected => JSON::PP::true);
my @CLIENTS = (
    { client_id => 'well', %GOOD, public_ip => '203.0.113.1' },
    { client_id => 'leaking', %GOOD, public_ip => '203.0.113.2', dns_loc => 'FR' },
    { client_id => 'bypassing', %GOOD, public_ip => $OWN },
);

# A bot and a server that has told of its clients.
sub start {
    my (%option) = @_;
    my $bot = BotApi->start($option{chat} ? (chat => $option{chat}) : ());
    my $httpd = Sentinel->start(conf => $bot->conf . "VPNSentinelServerPublicIP $OWN\n");
    if ($option{clients}) {
        $httpd->keepalive($_) for @CLIENTS;
        $httpd->api('POST', '/register', { content => { client_id => 'away' } });
        $httpd->wait_for(sub {
            6 == sum0(map { AlertText::parse($_->{plain})->{total} } $bot->alerts);
        });
    }
    return ($bot, $httpd);
}

# Asks and returns the text of the answer, "" when there is none.
sub ask {
    my ($bot, @say) = @_;
    my $answer = $bot->wait_for_reply($bot->say(@say)) // {};
    return $answer->{plain} // '';
}

# Tests that nothing is said to these, when what comes behind them has its answer.
sub are_ignored {
    my ($bot, @asked) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    like(ask($bot, '/ping'), qr/Pong/, 'what comes behind is answered');
    is_deeply([ map { $_->{plain} } map { $bot->replies($_) } @asked ], [], '... they are not');
}

sub ends_well {
    my ($httpd) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $httpd->stop;
    $httpd->check_error_log;
}

subtest 'the status' => sub {
    my ($bot, $httpd) = start(clients => 1);
    my $status = ask($bot, '/status');
    like($status, qr/^$_\b/m, "it counts: $_") for '🟢 1 green', '🟡 1 yellow', '🔴 1 red', '⚫ 1 grey';
    my @named = $status =~ /^[🟢🟡🔴⚫] (well|leaking|bypassing|away)\b/mg;
    is("@named", 'bypassing away leaking well', 'and names them, the worst first') or diag $status;
    my ($answer) = $bot->replies;
    is_deeply([ @$answer{qw(parse_mode preview_off thread)} ], [ 'HTML', 1, undef ], 'its form');
    ends_well($httpd);
};

subtest 'a client' => sub {
    my ($bot, $httpd) = start(clients => 1);
    my $leaking = ask($bot, '/client leaking');
    like($leaking, qr/\A.*leaking/, 'whom it is about');
    like($leaking, $_, "it says $_") for qr/🟡 yellow/, qr/203\.0\.113\.2/, qr/Köln/,
        qr/AS1 <Net> & "Co"/, qr/FR/, qr/CGN/, qr/VPN: \S/, qr/just now/, qr/⚠️ DNS LEAK DETECTED/,
        qr/✅ VPN Connected!/;
    like(ask($bot, '/client away'), qr/⚫ grey.*away.*never/s, 'one that never reported');
    like(ask($bot, '/client <b>&amp;'), qr/<b>&amp;/, 'one that there is not');
    like(ask($bot, '/client'), qr{/client \S}, 'without an id: how to ask');
    my $long = '<&"' x 1365;
    like(ask($bot, "/client $long"), qr/\S/, 'a very long id');
    ends_well($httpd);
};

subtest 'help' => sub {
    my ($bot, $httpd) = start();
    for my $command (qw(/help /start)) {
        my $help = ask($bot, $command);
        my @missing = grep { $help !~ m{/$_\b} } map { $_->{command} } $bot->commands;
        is("@missing", '', "$command tells all commands") or diag $help;
    }
    my $pong = ask($bot, '/ping');
    like($pong, qr/\A🏓 Pong/, '/ping');
    my (undef, $status) = $httpd->api('GET', '/status');
    like($pong, qr/\Q$status->{version}\E.*\bup \d+ (?:s|min)\b/s, '... version and uptime');
    like(ask($bot, '/nonsense'), $HELP, 'an unknown command');
    like(ask($bot, '/status'), qr/\S/, 'the status without clients');
    ends_well($httpd);
};

# In a group people talk to each other.
subtest 'free text' => sub {
    my ($bot, $httpd) = start();
    like(ask($bot, 'hello'), $HELP, 'a group: the first');
    are_ignored($bot, map { $bot->say($_) } 'is anybody there?', 'a / b', '🤷');
    ends_well($httpd);

    ($bot, $httpd) = start(chat => 4242);
    like(ask($bot, $_), $HELP, "in private: $_") for 'hello', 'hello again';
    ends_well($httpd);
};

subtest 'whose command it is' => sub {
    my ($bot, $httpd) = start();
    like(ask($bot, "/ping\@$BotApi::NAME"), qr/Pong/, 'its own');
    like(ask($bot, '/PING@sentineltestbot'), qr/Pong/, '... in another spelling');
    are_ignored($bot, map { $bot->say($_) } '/ping@OtherBot', '/ping@', '/nonsense@OtherBot',
        "/ping\@${BotApi::NAME}2");
    ends_well($httpd);
};

subtest 'strangers' => sub {
    my ($bot, $httpd) = start();
    my @stranger = (-5, 77, -1009876543210);
    my @asked = map { $bot->say('/status', chat => $_) } @stranger, @stranger;
    push @asked, $bot->say('/mute', chat => 77), $bot->say('/ping', from => { is_bot => \1 });
    are_ignored($bot, @asked);
    my @chats = map { $_->{chat_id} } $bot->messages;
    is_deeply([ grep { $_ ne $BotApi::CHAT } @chats ], [], 'nobody else is written to');
    my $log = Encode::decode('UTF-8', $httpd->read_file('logs/vpnsentinel.log'));
    for my $chat (@stranger) {
        is(() = $log =~ /\[telegram\] .*(?<![\d-])\Q$chat\E\b/g, 1, "the log tells of $chat once");
    }
    is($httpd->telegram->{muted_until}, undef, 'nor is done what they want');
    ends_well($httpd);
};

subtest 'topics' => sub {
    my ($bot, $httpd) = start();
    $bot->topics(7);
    my $asked = $bot->say('/ping', message_thread_id => 7);
    is($bot->wait_for_reply($asked)->{thread}, 7, 'an answer goes where it was asked');
    is($bot->wait_for_reply($bot->say('/ping'))->{thread}, undef, 'or to no topic');
    $bot->topics;
    $asked = $bot->say('/ping', message_thread_id => 7);
    is($bot->wait_for_reply($asked)->{thread}, undef, 'nor to one that is gone');
    ends_well($httpd);
};

subtest 'a channel' => sub {
    my ($bot, $httpd) = start();
    like(ask($bot, '/ping', type => 'channel'), qr/Pong/, 'its posts are heard');
    ends_well($httpd);
};

# Whoever writes all the time must not keep the alerts back.
subtest 'too many questions' => sub {
    my ($bot, $httpd) = start();
    my @asked = map { $bot->say('/ping') } 1 .. 100;
    ok($bot->wait_for_reply($asked[0]), 'the first is answered');
    $httpd->keepalive($CLIENTS[0]);
    $httpd->is_announced($CLIENTS[0]{client_id}, 'connected', 'an event');
    my $before = $bot->replies;
    ok($httpd->wait_for(sub { $bot->alerts == 2 }), '... an alert is sent');
    my ($alert) = ($bot->alerts)[-1];
    my $between = grep { $_->{time} < $alert->{time} } $bot->replies;
    cmp_ok($between - $before, '<=', 2, '... before all the answers');
    ends_well($httpd);
};

subtest 'the answer fails' => sub {
    my ($bot, $httpd) = start(clients => 1);
    $bot->fail(400, times => 1, description => "Bad Request: can't parse entities: why not");
    like(ask($bot, '/client well'), qr/AS1 <Net> & "Co"/, 'not parsed: it is sent plain');
    is(($bot->replies)[-1]{parse_mode}, undef, '... so');
    $bot->fail(429, times => 1, retry_after => 2);
    like(ask($bot, '/ping'), qr/Pong/, 'HTTP 429');
    $bot->misbehave(sendMessage => { drop => 1, times => 2 });
    like(ask($bot, '/ping'), qr/Pong/, 'dropped');
    is($bot->replies, 3, 'nothing is told twice');
    ends_well($httpd);
};

done_testing;
