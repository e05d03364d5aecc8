# How the bot hears: by long polls, one at a time, whatever becomes of the monitor; and each
# question is answered once, whatever is killed.
use strict;
use warnings;
use utf8;

use Encode ();
use Test::More;
use Time::HiRes qw(sleep);

use BotApi;
use Ledger;
use Sentinel;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my @KILLED = (qr/VPNS\d+: the monitor/, qr/exit signal Killed/);
my $TOO_OLD = 301;    # seconds since a question was asked
my $RETRY = 100;      # seconds within which somebody who waits after a failure tries again

# Waits until the bot listens again.
sub wait_for_poll {
    my ($bot, $before) = @_;
    return VpsHttpd->wait_for(sub { $bot->polls > $before });
}

# Asks something and tests that there is an answer.
sub is_answered {
    my ($bot, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $asked = $bot->say('/ping');
    my $answer = $bot->wait_for_reply($asked) // {};
    return like($answer->{plain} // 'nothing', qr/\A🏓 Pong/, "$name: a question is answered");
}

# The lines of the log about Telegram that match.
sub log_lines {
    my ($httpd, $words) = @_;
    my $log = Encode::decode('UTF-8', $httpd->read_file('logs/vpnsentinel.log'));
    return grep { /\[telegram\]/ && /$words/ } split /\n/, $log;
}

# Somebody else takes the updates, for as long as the rest of this file runs. That it is so still is
# logged each minute for who debugs.
my $hooked = BotApi->start;
$hooked->webhook(1);
my $hooked_httpd = Sentinel->start(conf => $hooked->conf, log_level => 'info');

subtest 'what is asked' => sub {
    my $bot = BotApi->start;
    my $httpd = Sentinel->start(conf => $bot->conf);
    ok(wait_for_poll($bot, 0), 'it polls');
    my @time = map { ($bot->requests($_))[0]{time} } qw(getMe setMyCommands getUpdates);
    is("@time", join(' ', sort { $a <=> $b } @time), '... after getMe and setMyCommands');
    is(join(' ', sort map { $_->{command} } $bot->commands), 'client help mute ping status unmute',
        'the commands');
    my ($poll) = $bot->polls;
    is_deeply([ @$poll{qw(offset timeout allowed_updates)} ], [ 0, 25, [qw(message channel_post)] ],
        'the first poll');

    $bot->update({ edited_message => { text => '/ping' } });
    is_answered($bot, 'a first time');
    is_answered($bot, 'another time');
    ok($httpd->wait_for(sub { ($bot->polls)[-1]{offset} == 500_000_003 }), 'the offset moves on');
    is(($bot->polls)[-1]{timeout}, 25, 'it always waits');
    is($bot->pollers_at_once, 1, 'one at a time');
    my $log = $httpd->read_file('logs/vpnsentinel.log');
    like($log, qr/\[telegram\] .*\@SentinelTestBot/, 'the log tells who the bot is');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'one poller' => sub {
    my $bot = BotApi->start;
    my $httpd = Sentinel->start(conf => $bot->conf);
    wait_for_poll($bot, 0);
    my %way = (
        graceful => sub { $httpd->graceful },
        restart => sub { $httpd->restart },
        kill => sub { kill 'KILL', $httpd->monitors },
        'two signals' => sub { kill $_, $httpd->pid for qw(USR1 HUP) },
        'stop and start' => sub { $httpd->stop; $httpd->start_again },
    );
    for my $name (sort keys %way) {
        my $before = $bot->polls;
        $way{$name}->();
        ok(wait_for_poll($bot, $before), "$name: it polls again");
    }
    is_answered($bot, 'after all');
    is($bot->pollers_at_once, 1, 'never two at once');
    is(log_lines($httpd, 'Conflict'), 0, '... nor is there a word of it');
    $httpd->stop;
    $httpd->check_error_log(allow => \@KILLED);
};

# Kills at moments from before the question is heard until after its answer.
subtest 'killed' => sub {
    my $bot = BotApi->start;
    my $httpd = Sentinel->start(conf => $bot->conf);
    my $ledger = Ledger->new(window => 20);    # on a busy machine
    # It ends when that is done: what it told until then may be told again.
    my ($kill_monitor, $crash) = (
        sub { kill 'KILL', $httpd->monitors; $ledger->monitor_ends },
        sub { $httpd->crash; $ledger->monitor_ends; $httpd->start_again },
    );
    my $ask = sub {
        my $asked = $bot->say('/ping');
        $ledger->asks($asked);
        return $asked;
    };
    my $until_answered = sub { $bot->wait_for_reply($ask->()) };
    my $until_taken = sub {
        $bot->misbehave(sendMessage => { slow => 1, times => 1 });
        $until_answered->();
    };
    my @moment = ($until_answered, $until_taken,
        map { my $delay = $_; sub { $ask->(); sleep $delay } } 0, 0.01, 0.05);
    for my $strike ($kill_monitor, $crash) {
        for my $moment (@moment) {
            $moment->();
            my $before = $bot->polls;
            $strike->();
            wait_for_poll($bot, $before);
        }
    }
    is_answered($bot, 'after all');
    ok($httpd->wait_for(sub { !$ledger->untold([], [ $bot->replies ]) }), 'all is answered');
    my $result = $ledger->audit([], [ $bot->replies ]);
    is_deeply($result->{faults}, [], 'once, but for what the killed one could not write down');
    diag("$result->{doubled} of " . 2 * @moment . ' answers came twice');
    is($bot->pollers_at_once, 1, 'never two pollers');
    $httpd->stop;
    $httpd->check_error_log(allow => \@KILLED);
};

subtest 'stopped' => sub {
    my $bot = BotApi->start;
    my $httpd = Sentinel->start(conf => $bot->conf);
    is_answered($bot, 'before');
    my $old = $bot->say('/ping', date => time - $TOO_OLD);
    is_answered($bot, 'after one that is too old');
    is(log_lines($httpd, 'Is the clock right'), 1, '... of which the log tells');
    # What is not known to be answered may be answered again.
    $httpd->wait_for(sub { log_lines($httpd, 'Answered: ') == 2 });
    $httpd->stop;
    $bot->say('/ping', date => time - $TOO_OLD);
    my $late = $bot->say('/ping', date => time - $TOO_OLD / 2);
    my $before = $bot->polls;
    $httpd->start_again;
    ok($bot->wait_for_reply($late), 'what was asked meanwhile is answered');
    is_answered($bot, 'later');
    is_deeply([ map { $_->{reply_to} } $bot->replies($old) ], [], 'what is too old is not');
    is(log_lines($httpd, 'Is the clock right'), 1, 'what was old when it came back is no wonder');
    my %answers;
    $answers{ $_->{reply_to} }++ for $bot->replies;
    is_deeply([ grep { $_ > 1 } values %answers ], [], 'nothing is answered again');
    is(($bot->polls)[$before]{offset}, 500_000_004, 'the offset was kept');
    $httpd->stop;
    $httpd->check_error_log;
};

# Each strikes the poll behind a question; the next question must be answered.
subtest 'polls fail' => sub {
    my $bot = BotApi->start;
    my $httpd = Sentinel->start(conf => $bot->conf);
    my %fault = (
        'HTTP 500' => { status => 500, body => '{"ok":false}' },
        'a portal' => { status => 200, body => '<html>Log in!</html>' },
        'a redirection' => { status => 302, body => '', header => { Location => $bot->url } },
        'no updates' => { status => 200, body => '{"ok":true,"result":7}' },
        'odd updates' => { status => 200, body => '{"ok":true,"result":[7,{"update_id":"x"}]}' },
        'endless' => { status => 200, body => 'x' x 2_000_000 },
        map { $_ => { $_ => 1 } } qw(garbage drop cut),
    );
    for my $name (sort keys %fault) {
        $bot->misbehave(getUpdates => { %{ $fault{$name} }, times => 1 });
        my $before = $bot->requests('getUpdates');
        my $asked = $bot->say('/ping');
        ok($bot->wait_for_reply($asked), "$name: the question before is answered");
        ok($httpd->wait_for(sub { $bot->requests('getUpdates') >= $before + 2 }),
            '... it tries again');
    }
    is_answered($bot, 'after all');
    # It asks for what comes behind the answered ones: the next fault strikes the poll after that.
    $httpd->wait_for(sub { ($bot->polls)[-1]{offset} == 500_000_002 + keys %fault });
    my $before = $bot->requests('getUpdates');
    $bot->fail(429, method => 'getUpdates', retry_after => 3, times => 1);
    is_answered($bot, 'before HTTP 429');
    $httpd->wait_for(sub { $bot->requests('getUpdates') >= $before + 2 });
    my @time = map { $_->{time} } ($bot->requests('getUpdates'))[ $before, $before + 1 ];
    cmp_ok($time[1] - $time[0], '>=', 3, 'HTTP 429: it waits as it was asked to');
    is_answered($bot, 'behind HTTP 429');
    my $failures = keys %fault;    # of them "odd updates" is none, but HTTP 429 is one
    ok($httpd->wait_for(sub { log_lines($httpd, 'hears again') == $failures }),
        'the end of each failure is told');
    is(log_lines($httpd, '❌'), $failures, '... as was each failure');
    is($bot->pollers_at_once, 1, 'never two pollers');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'getMe and setMyCommands fail' => sub {
    my $bot = BotApi->start;
    $bot->fail(500, method => 'getMe', times => 1);
    $bot->fail(400, method => 'setMyCommands', description => 'Bad Request: BOT_COMMAND_INVALID');
    my $httpd = Sentinel->start(conf => $bot->conf);
    my $asked = $bot->say("/ping\@$BotApi::NAME");
    ok($bot->wait_for_reply($asked), 'it hears all the same, and knows its name');
    is($bot->requests('setMyCommands'), 1, 'it does not insist');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'hostile updates' => sub {
    my $bot = BotApi->start;
    my $httpd = Sentinel->start(conf => $bot->conf);
    wait_for_poll($bot, 0);
    my %message = (message_id => 1, date => time, text => '/ping',
        chat => { id => 0 + $BotApi::CHAT, type => 'supergroup' });
    my @hostile = (
        'x', [], {}, { %message, chat => 'x' }, { %message, chat => { id => 'x' } },
        { %message, chat => { id => 1e300 } }, { %message, text => { a => 1 } },
        { %message, text => undef }, { %message, text => "\x00" },
        { %message, message_id => -1e300 }, { %message, text => 'x' x 100_000 },
        { %message, from => 7, entities => 'x' },
        { %message, reply_to_message => { %message, reply_to_message => {%message} } },
    );
    $bot->update({ message => $_ }) for @hostile;
    is_answered($bot, 'behind them');
    ok($httpd->wait_for(sub { ($bot->polls)[-1]{offset} == 500_000_002 + @hostile }),
        'all are confirmed');
    is(scalar $httpd->monitors, 1, 'the monitor lives');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'somebody else takes the updates' => sub {
    my ($bot, $httpd) = ($hooked, $hooked_httpd);
    ok($httpd->wait_for(sub { log_lines($httpd, 'Conflict') }), 'it is told');
    $httpd->keepalive({ client_id => 'office' });
    ok($bot->wait_for_messages(2), 'alerts go on');
    my $asked = $bot->say('/ping');
    $bot->webhook(0);
    ok($httpd->wait_for(sub { $bot->replies($asked) }, $RETRY), 'when it is over, the bot answers');
    is(log_lines($httpd, '❌'), 1, 'the log told of it once');
    ok($httpd->wait_for(sub { log_lines($httpd, 'hears again') == 1 }), '... and that it is over');
    is(() = $httpd->error_log =~ /VPNS0062: /g, 1, 'the error log too');
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/VPNS0062: /]);
};

done_testing;
