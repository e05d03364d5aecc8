# Delivery to a Bot API that fails in every way: no alert is lost, none told twice, their order
# kept.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;

use AlertText;
use BotApi;
use Sentinel;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my $SILENT = 2;    # seconds that a 429 asks to wait

# The bot fails at first; each case has a server of its own, all run at the same time.
my %case = (
    'well' => sub { },
    'HTTP 429' => sub { $_[0]->fail(429, retry_after => $SILENT, times => 2) },
    'HTTP 500' => sub { $_[0]->fail(500, times => 2) },
    'HTTP 502 of a proxy' => sub {
        $_[0]->misbehave(sendMessage => { status => 502, times => 2,
            header => { 'Content-Type' => 'text/html' }, body => '<html>Bad Gateway</html>' });
    },
    'not ok' => sub {
        $_[0]->misbehave(sendMessage => { status => 200, times => 2, body => '{"ok":false}' });
    },
    'redirected' => sub {
        $_[0]->misbehave(sendMessage => { status => 302, times => 2, body => '',
            header => { Location => $_[0]->url . '/elsewhere' } });
    },
    'a portal' => sub {
        $_[0]->misbehave(sendMessage => { status => 200, times => 2, body => '<html>Log in!</html>' });
    },
    'garbage' => sub { $_[0]->misbehave(sendMessage => { garbage => 1, times => 2 }) },
    'endless' => sub {
        $_[0]->misbehave(sendMessage => { status => 200, times => 1, body => 'x' x 1_000_000 });
    },
    'dropped' => sub { $_[0]->misbehave(sendMessage => { drop => 1, times => 2 }) },
    'hanging' => sub { $_[0]->misbehave(sendMessage => { hang => 1, times => 1 }) },
    'away' => sub { $_[0]->leave },
    'cut' => sub { $_[0]->misbehave(sendMessage => { cut => 1, times => 1 }) },
    'slow' => sub { $_[0]->misbehave(sendMessage => { slow => 1, times => 1 }) },
    'unparsable' => sub {
        $_[0]->fail(400, times => 1, description => "Bad Request: can't parse entities: why not");
    },
);

# Refused for good, as far as anybody knows: tried again at the next start.
my %refusal = (
    'blocked' => [ 403, 'Forbidden: bot was blocked by the user' ],
    'no such chat' => [ 400, 'Bad Request: chat not found' ],
    'wrong token' => [ 401, 'Unauthorized' ],
);

# What was told: once each, but for one that the sender could not know to be accepted.
sub told {
    my ($bot) = @_;
    my (@told, $unanswered);
    for my $message ($bot->messages) {
        my $text = AlertText::parse($message->{plain})->{text} // $message->{plain};
        push @told, $text if !$unanswered || $text ne $told[-1];
        $unanswered = $message->{unanswered};
    }
    return \@told;
}

sub is_delivered {
    my ($bot, $httpd) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @expected = map { $_->{message} } $httpd->events;
    $httpd->wait_for(sub { @{ told($bot) } >= @expected });
    ok($httpd->wait_for(sub { $httpd->telegram->{queued} == 0 }), 'all is delivered');
    is_deeply(told($bot), \@expected, '... each once, in order');
    my $telegram = $httpd->telegram;
    is($telegram->{last_error}, undef, '... no error is left');
    like($telegram->{last_success}, qr/\A\d{4}-.*Z\z/, '... and the success is told');
}

sub ends_well {
    my ($httpd) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $httpd->stop;
    my @telling = grep { $httpd->read_file("logs/$_") =~ /\Q$BotApi::TOKEN\E/ }
        map { s{.*/}{}r } glob $httpd->root . '/logs/*';
    is("@telling", '', 'the token is in no log');
    $httpd->check_error_log(allow => [qr/VPNS006[01]: /]);
}

my (%bot, %httpd);
for my $name (sort(keys %case), sort keys %refusal) {
    $bot{$name} = BotApi->start;
    $case{$name} ? $case{$name}->($bot{$name})
        : $bot{$name}->fail($refusal{$name}[0], description => $refusal{$name}[1]);
    $httpd{$name} = Sentinel->start(conf => $bot{$name}->conf, log_level => 'info vpnsentinel:trace8');
    $httpd{$name}->keepalive({ client_id => 'office', public_ip => $_, city => 'A & B <i>' })
        for qw(203.0.113.1 203.0.113.2);
}
$httpd{$_}->is_announced('office', 'connected ip_changed', "$_: two transitions") for sort keys %httpd;

subtest 'away' => sub {
    my ($bot, $httpd) = ($bot{away}, $httpd{away});
    my $telegram;
    ok($httpd->wait_for(sub {
        $telegram = $httpd->telegram;
        return $telegram->{last_error} && $telegram->{queued} == 3;
    }), 'the failure is told');
    is_deeply([ @$telegram{qw(enabled queued last_success)} ], [ JSON::PP::true, 3, undef ],
        'with what waits') or diag explain $telegram;
    my $log = $httpd->read_file('logs/vpnsentinel.log');
    like($log, qr/^\[[^]]+\] \[telegram\] \xe2\x9d\x8c Failed to send message: \S/m, 'the log has a line');
    $bot->come_back;
};

for my $name (sort keys %refusal) {
    subtest $name => sub {
        my ($bot, $httpd) = ($bot{$name}, $httpd{$name});
        my $words = "HTTP $refusal{$name}[0]: $refusal{$name}[1]";
        ok($httpd->wait_for(sub { ($httpd->telegram->{last_error} // '') eq $words }),
            'the status tells why');
        is(() = $httpd->error_log =~ /VPNS0060: .*\Q$words\E/g, 1, 'the error log too, once');
        is($bot->requests('sendMessage'), 1, 'it is not tried again and again');
        $bot->behave('sendMessage');
        my ($monitor) = $httpd->monitors;
        $httpd->graceful;
        $httpd->wait_for_monitor($monitor);
        is_delivered($bot, $httpd);
        ends_well($httpd);
    };
}

for my $name (sort keys %case) {
    subtest $name => sub {
        my ($bot, $httpd) = ($bot{$name}, $httpd{$name});
        is_delivered($bot, $httpd);
        my @time = map { $_->{time} } $bot->requests('sendMessage');
        cmp_ok($time[1] - $time[0], '>=', $SILENT, 'it waits as it was asked to') if $name eq 'HTTP 429';
        is_deeply([ map { $_->{parse_mode} } $bot->messages ], [ undef, 'HTML', 'HTML' ],
            'it is sent plain') if $name eq 'unparsable';
        cmp_ok($bot->messages, '<=', 3, 'nothing is told twice') if $name !~ /^(?:cut|slow)$/;
        is($bot->requests('none'), 0, 'nobody else is asked');
        ends_well($httpd);
    };
}

# Reports another address of the client and tests that this is told; returns the message.
sub is_told {
    my ($bot, $httpd, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $before = $bot->messages;
    $httpd->keepalive({ client_id => 'office', public_ip => "203.0.113.$before" });
    ok($bot->wait_for_messages($before + 1), "$name: an alert is told");
    is(scalar(my @all = $bot->messages), $before + 1, '... once');
    like($all[-1]{plain}, qr/203\.0\.113\.$before\b/, '... this one');
    return $all[-1];
}

# The chats that it has tried to send to, oldest first.
sub tried {
    my ($bot) = @_;
    return map { JSON::PP->new->utf8->decode($_->{body})->{chat_id} } $bot->requests('sendMessage');
}

subtest 'a topic' => sub {
    my $bot = BotApi->start;
    $bot->topics(7, 9);
    my $httpd = Sentinel->start(conf => $bot->conf . "VPNSentinelTelegramThreadID 7\n");
    $bot->wait_for_messages(1);
    is(($bot->messages)[0]{thread}, 7, 'the start');
    is(is_told($bot, $httpd, 'the topic is there')->{thread}, 7, '... in the topic');
    $bot->topics(9);
    is(is_told($bot, $httpd, 'the topic is gone')->{thread}, undef, '... in none');
    $bot->topics(7);
    is(is_told($bot, $httpd, 'the topic is back')->{thread}, 7, '... in the topic');
    ends_well($httpd);
};

subtest 'the group becomes a supergroup' => sub {
    my ($old, $new) = (-4001, -1004001);
    my $bot = BotApi->start(chat => $old);
    my $httpd = Sentinel->start(conf => $bot->conf);
    $bot->wait_for_messages(1);
    $bot->migrate($new);
    is(is_told($bot, $httpd, 'upgraded')->{chat_id}, $new, '... in the new chat');
    is(is_told($bot, $httpd, 'later')->{chat_id}, $new, '... there, too');
    is(join(' ', tried($bot)), "$old $old $new $new", 'the old one is tried no more');
    ok($bot->wait_for_reply($bot->say('/ping')), 'who writes there is answered');
    # Else the answer may come again.
    $httpd->wait_for(sub { $httpd->read_file('logs/vpnsentinel.log') =~ m{Answered: /ping} });
    $httpd->stop;
    my $before = $bot->messages;
    $httpd->start_again;
    $bot->wait_for_messages($before + 1);
    is(is_told($bot, $httpd, 'started again')->{chat_id}, $new, '... in the new chat');
    is(scalar(grep { $_ eq $old } tried($bot)), 2, '... at once');
    is(() = $httpd->error_log =~ /VPNS0061: .*$new/g, 1, 'the error log tells of the new one, once');
    ok($bot->wait_for_reply($bot->say('/ping')), 'who writes there is answered');
    ends_well($httpd);
};

done_testing;
