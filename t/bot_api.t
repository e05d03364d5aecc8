# The stand-in for the Bot API must be as strict as that, or the tests that use it show nothing.
use strict;
use warnings;
use utf8;

use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP ();
use Test::More;

use BotApi;

my ($YES, $NO) = (JSON::PP::true, JSON::PP::false);
my $JSON = JSON::PP->new->utf8->canonical;
my %TYPE = ('Content-Type' => 'application/json');
my $PATH = "/bot$BotApi::TOKEN";

my $bot = BotApi->start;

# Calls a method; returns "STATUS description" and what was decoded.
sub call {
    my ($method, $asked, $token) = @_;
    my $answer = HTTP::Tiny->new->post($bot->url . '/bot' . ($token // $BotApi::TOKEN) . "/$method",
        { headers => \%TYPE, content => $JSON->encode($asked // {}) });
    my $body = $JSON->decode($answer->{content});
    return ("$answer->{status} " . ($body->{description} // ''), $body);
}

sub result {
    my ($words, $body) = call(@_);
    is($words, '200 ', "$_[0] is answered");
    return $body->{result};
}

# Begins a getUpdates and does not wait for its answer.
sub begin_poll {
    my ($asked) = @_;
    my $before = $bot->polls;
    my $content = $JSON->encode($asked);
    my $socket = IO::Socket::INET->new($bot->url =~ s{.*/}{}r) // die "connect: $!";
    $socket->autoflush(1);
    print {$socket} "POST $PATH/getUpdates HTTP/1.1\r\nContent-Type: application/json\r\n"
        . 'Content-Length: ' . length($content) . "\r\n\r\n$content";
    VpsHttpd->wait_for(sub { $bot->polls > $before });
    return $socket;
}

sub read_to_end {
    my ($socket) = @_;
    local $/;
    return scalar <$socket>;
}

# The answer to it, as call() returns it.
sub end_poll {
    my ($socket) = @_;
    my ($status, $content) = read_to_end($socket) =~ m{\AHTTP/1\.1 (\d+) .*?\r\n\r\n(.*)\z}s;
    my $body = $JSON->decode($content);
    return ("$status " . ($body->{description} // ''), $body);
}

sub texts {
    my ($updates) = @_;
    return join ' ', map { ($_->{message} // $_->{channel_post})->{text} } @$updates;
}

my %message = (chat_id => $BotApi::CHAT, text => 'x');
my %html = (%message, parse_mode => 'HTML');

subtest 'sendMessage' => sub {
    my $broken = qr/\A400 .*can't parse entities/;
    my @table = (
        [ 'well', qr/\A200 \z/, {%message} ],
        [ 'well, the chat as a number', qr/\A200 \z/, { %message, chat_id => 0 + $BotApi::CHAT } ],
        [ 'well, HTML', qr/\A200 \z/, { %html, text => '<b>x</b> &lt; &#38; <a href="y">z</a>' } ],
        [ '4096 characters', qr/\A200 \z/, { %html, text => '<b>' . '&amp;' x 4096 . '</b>' } ],
        [ '32768 bytes', qr/\A200 \z/, { %html, text => '<b></b>' x 4681 . 'x' } ],
        [ 'another token', qr/\A401 Unauthorized\z/, {%message}, '1:x' ],
        [ 'no token', qr/\A404 Not Found\z/, {%message}, 'x' ],
        [ 'another chat', qr/\A400 .*chat not found/, { %message, chat_id => 1 } ],
        [ 'no chat', qr/\A400 .*chat_id is empty/, { text => 'x' } ],
        [ 'no text', qr/\A400 .*empty/, { %message, text => ' ' } ],
        [ 'too long', qr/\A400 .*message is too long/, { %message, text => 'x' x 4097 } ],
        [ 'too long in UTF-16', qr/\A400 .*message is too long/,
            { %message, text => "\x{1f504}" x 2049 } ],
        [ 'more than 32768 bytes', qr/\A400 .*text is too long/,
            { %html, text => '<b></b>' x 4681 . 'xx' } ],
        [ 'no such topic', qr/\A400 .*thread not found/, { %message, message_thread_id => 7 } ],
        [ 'a reply to nothing', qr/\A400 .*message to be replied not found/,
            { %message, reply_parameters => { message_id => 999 } } ],
        map { [ $_, $broken, { %html, text => $_ } ] }
            'a & b', '<', '<br>', '<b>x', 'x</b>', '<b><i>x</b></i>', '&nbsp;', '&lt',
    );
    like((call('sendMessage', @$_[ 2, 3 ]))[0], $_->[1], $_->[0]) for @table;
    is($bot->messages, 5, 'it counts what it took');
};

subtest 'what is kept of a message' => sub {
    my $asked = $bot->say('/status');
    my @options = (
        {},
        { message_thread_id => 7, disable_notification => $YES,
            link_preview_options => { is_disabled => $YES } },
        { reply_parameters => { message_id => $asked } },
        { reply_parameters => { message_id => 999, allow_sending_without_reply => $YES } },
    );
    my $before = $bot->messages;
    $bot->topics(7, 9);
    result('sendMessage', { %html, text => '<b>ä</b>', %$_ }) for @options;
    my @kept = ($bot->messages)[ $before .. $before + $#options ];
    is_deeply([ map { [ @$_{qw(thread reply_to silent preview_off)} ] } @kept ],
        [ [ undef, undef, 0, 0 ], [ 7, undef, 1, 1 ], [ undef, $asked, 0, 0 ],
            [ undef, undef, 0, 0 ] ], 'thread, reply, silence, preview');
    is_deeply([ @{ $kept[0] }{qw(text plain chat_id)} ], [ '<b>ä</b>', 'ä', $BotApi::CHAT ],
        'text, chat');
    is_deeply([ map { $_->{message_id} } $bot->replies ], [ $kept[2]{message_id} ], 'replies');
    is_deeply($bot->wait_for_reply($asked), $kept[2], '... to a message');
    is($bot->alerts, $bot->messages - 1, 'the rest are alerts');
    $bot->topics(9);
    like((call('sendMessage', { %message, message_thread_id => 7 }))[0], qr/thread not found/,
        'a topic goes');
};

subtest 'forms' => sub {
    my $url = $bot->url . "$PATH/sendMessage";
    my $get = HTTP::Tiny->new->get("$url?chat_id=$BotApi::CHAT&text=a%20%C3%A4+b");
    is($get->{status}, 200, 'in the URL');
    is(($bot->messages)[-1]{plain}, 'a ä b', '... decoded');
    my $id = ($bot->messages)[-1]{message_id};
    my $post = HTTP::Tiny->new->post_form($url,
        { %message, reply_parameters => $JSON->encode({ message_id => $id }) });
    is($post->{status}, 200, 'as a form');
    is(($bot->messages)[-1]{reply_to}, $id, '... with an object in it');
    for my $content ('', '{', '[]', '{"a":1} x') {
        my $answer = HTTP::Tiny->new->post($url, { headers => \%TYPE, content => $content });
        is($answer->{status}, 400, "no message: '$content'");
    }
    my $plain = HTTP::Tiny->new->post($url,
        { headers => { 'Content-Type' => 'text/plain' }, content => $JSON->encode(\%message) });
    is($plain->{status}, 400, 'another type is not read');
};

subtest 'getMe, setMyCommands' => sub {
    is_deeply(result('getMe'),
        { id => 7654321, is_bot => $YES, first_name => 'Sentinel', username => 'SentinelTestBot' },
        'getMe');
    my @ok = map { { command => "c_$_", description => 'x' x 256 } } 1 .. 100;
    my @table = (
        [ '100 commands', qr/\A200 /, \@ok ],
        [ 'too many', qr/\A400 .*TOO_MUCH/, [ @ok, $ok[0] ] ],
        [ 'an upper-case letter', qr/\A400 .*COMMAND_INVALID/,
            [ { %{ $ok[0] }, command => 'Status' } ] ],
        [ 'a slash', qr/\A400 .*COMMAND_INVALID/, [ { %{ $ok[0] }, command => '/status' } ] ],
        [ 'a long name', qr/\A400 .*COMMAND_INVALID/, [ { %{ $ok[0] }, command => 'x' x 33 } ] ],
        [ 'no description', qr/\A400 .*DESCRIPTION_INVALID/, [ { command => 'x' } ] ],
        [ 'a long one', qr/\A400 .*DESCRIPTION_INVALID/,
            [ { command => 'x', description => 'x' x 257 } ] ],
        [ 'no list', qr/\A400 .*can't parse/, 'x' ],
    );
    like((call('setMyCommands', { commands => $_->[2] }))[0], $_->[1], $_->[0]) for @table;
    is_deeply([ $bot->commands ], \@ok, 'they are kept');
    like((call('deleteMessage'))[0], qr/\A404 /, 'another method');
};

subtest 'getUpdates' => sub {
    $bot = BotApi->start;
    is_deeply(result('getUpdates'), [], 'none');
    $bot->say($_) for qw(a b c);
    my $all = result('getUpdates');
    is(texts($all), 'a b c', 'all');
    is(texts(result('getUpdates')), 'a b c', '... again, until they are confirmed');
    is(texts(result('getUpdates', { limit => 2 })), 'a b', 'a limit');
    is(texts(result('getUpdates', { limit => 0 })), 'a', '... is at least 1');
    is(texts(result('getUpdates', { offset => $all->[1]{update_id} })), 'b c', 'an offset');
    is(texts(result('getUpdates')), 'b c', '... confirms');
    is(texts(result('getUpdates', { offset => -1 })), 'c', 'a negative one counts from the end');
    my $next = 1 + $all->[2]{update_id};
    is_deeply(result('getUpdates', { offset => $next }), [], 'all are confirmed');
    my ($poll) = reverse $bot->polls;
    is_deeply([ @$poll{qw(offset timeout limit allowed_updates at_once)} ],
        [ $next, 0, 100, undef, 1 ], 'what was asked is kept');
};

subtest 'what somebody writes' => sub {
    my $message = sub {
        my $id = $bot->say(@_);
        my ($update) = reverse @{ result('getUpdates') };
        my $written = $update->{message} // $update->{channel_post};
        is($written->{message_id}, $id, 'its id');
        return $written;
    };
    my $group = $message->('ä /status@SentinelTestBot x');
    is_deeply($group->{chat}, { id => 0 + $BotApi::CHAT, type => 'supergroup', title => 'VPN' },
        'the chat');
    is_deeply($group->{entities}, [ { type => 'bot_command', offset => 2, length => 23 } ],
        'the command');
    is($group->{from}{is_bot}, $NO, 'from somebody');
    cmp_ok(abs($group->{date} - time), '<', 60, 'now');
    ok(!exists $group->{$_}, "no $_") for qw(message_thread_id is_topic_message);
    my $topic = $message->("\x{1f504} /ping", message_thread_id => 7, date => 5,
        from => { is_bot => $YES });
    is_deeply([ @$topic{qw(message_thread_id is_topic_message date)} ], [ 7, $YES, 5 ],
        'topic, date');
    is_deeply($topic->{entities}, [ { type => 'bot_command', offset => 3, length => 5 } ],
        'UTF-16');
    is($topic->{from}{is_bot}, $YES, 'from a bot');
    is($message->('x', chat => 5)->{chat}{type}, 'private', 'private');
    is($message->('x', chat => -5)->{chat}{type}, 'group', 'a group');
    my $post = $message->('x', type => 'channel');
    ok(!$post->{from} && $post->{sender_chat}, 'a channel');
};

subtest 'long polling' => sub {
    $bot = BotApi->start;
    my $poll = begin_poll({ timeout => 50, allowed_updates => [qw(message channel_post)] });
    my %edited = (edited_message => { text => 'x' });
    is($bot->update(\%edited), undef, 'what is not asked for does not come');
    $bot->say('a');
    my ($words, $body) = end_poll($poll);
    is("$words " . texts($body->{result}), '200  a', 'an update ends it');
    my $next = 1 + $body->{result}[0]{update_id};
    $poll = begin_poll({ timeout => 1, offset => $next });
    ($words, $body) = end_poll($poll);
    is_deeply([ $words, $body->{result} ], [ '200 ', [] ], 'so does the time');
    is($bot->update(\%edited), undef, 'what is asked for stays so');
    result('getUpdates', { allowed_updates => [] });
    ok($bot->update(\%edited), '... until it is asked for again');
    is($bot->update({ message_reaction => {} }), undef, 'but for what nobody gets unasked');
    $bot->say('b');
    my $waiting = result('getUpdates', { timeout => 50, offset => $next });
    is($waiting->[1]{message}{text}, 'b', 'what waits is told at once');
    is($bot->pollers_at_once, 1, 'one at a time');
};

subtest 'two pollers' => sub {
    $bot = BotApi->start;
    my $older = begin_poll({ timeout => 50 });
    my $newer = begin_poll({ timeout => 50 });
    is((end_poll($older))[0], '409 Conflict: terminated by other getUpdates request; make sure that'
        . ' only one bot instance is running', 'the older one is told');
    $bot->say('a');
    is(texts((end_poll($newer))[1]{result}), 'a', 'the newer one is served');
    is($bot->pollers_at_once, 2, 'it is noted');

    my $gone = begin_poll({ timeout => 50, offset => -1 });
    close $gone;
    is(texts(result('getUpdates')), 'a', 'who goes loses nothing');
    is(($bot->polls)[-1]{at_once}, 1, '... and is no poller any more');
};

subtest 'a webhook' => sub {
    my $poll = begin_poll({ timeout => 50, offset => 1e10 });
    $bot->webhook(1);
    is((end_poll($poll))[0], '409 Conflict: terminated by setWebhook request', 'ends a poll');
    like((call('getUpdates'))[0], qr/\A409 .*can't use getUpdates method while webhook is active/,
        'refuses others');
    $bot->webhook(0);
    result('getUpdates');
};

subtest 'a group becomes a supergroup' => sub {
    $bot = BotApi->start(chat => -77);
    like($bot->conf, qr/^VPNSentinelTelegramChatID -77$/m, 'the configuration');
    result('sendMessage', { %message, chat_id => -77 });
    $bot->migrate(-10077);
    my ($words, $body) = call('sendMessage', { %message, chat_id => -77 });
    is($words, '400 Bad Request: group chat was upgraded to a supergroup chat', 'the old id fails');
    is_deeply($body->{parameters}, { migrate_to_chat_id => -10077 }, '... the new one');
    result('sendMessage', { %message, chat_id => -10077 });
    is(($bot->messages)[-1]{chat_id}, -10077, 'which works');
    $bot->say('x');
    is(result('getUpdates')->[0]{message}{chat}{id}, -10077, 'there people write');
};

subtest 'faults' => sub {
    $bot = BotApi->start;
    $bot->say('a');
    $bot->fail(429, method => 'getUpdates', retry_after => 3, times => 1);
    my ($words, $body) = call('getUpdates', { timeout => 50, offset => 1e10 });
    is($words, '429 Too Many Requests: retry after 3', 'of getUpdates');
    is_deeply($body->{parameters}, { retry_after => 3 }, '... with its parameter');
    is(texts(result('getUpdates')), 'a', '... without an effect');
    $bot->misbehave(getUpdates => { cut => 1, times => 1 });
    like(read_to_end(begin_poll({ timeout => 50, offset => 1e10 })), qr/"result\z/, 'cut, at once');
    is_deeply(result('getUpdates'), [], '... with its effect');
    $bot->fail(500, times => 1);
    like((call('sendMessage', \%message))[0], qr/\A500 /, 'of sendMessage');
    is($bot->messages, 0, '... without an effect');
    $bot->misbehave(getMe => { drop => 1, times => 1 });
    is(HTTP::Tiny->new->post($bot->url . "$PATH/getMe")->{status}, 599, 'of getMe');
    result('getMe');
};

done_testing;
