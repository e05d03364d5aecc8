package BotApi;

=head1 NAME

BotApi - plays Telegram's Bot API, and those who write to the bot

=head1 SYNOPSIS

    my $bot = BotApi->start;
    my $httpd = VpsHttpd->start(conf => $bot->conf . ...);
    $bot->fail(429, retry_after => 2, times => 1);
    ok($bot->wait_for_messages(3));
    is(($bot->messages)[0]{plain}, "...");

    my $asked = $bot->say('/status');
    like($bot->wait_for_reply($asked)->{plain}, qr/green/);

=head1 DESCRIPTION

A LocalServer (see there) with the methods getMe, setMyCommands, sendMessage and getUpdates of one
bot, which is in one chat: $BotApi::TOKEN, $BotApi::NAME and $BotApi::CHAT. It is as strict as the
Bot API, and in HTML stricter: there each "&" must begin an entity. The service's name is the
method's. A request whose fault says cut or slow is carried out all the same; a getUpdates with a
fault is answered at once.

start(chat => ID) is in another chat.

=head2 conf

The directives that make a server use it.

=head2 fail(CODE, ...)

A method fails with this error of the Bot API: method (sendMessage), description (the usual one),
retry_after, times.

=head2 topics(ID...), migrate(CHAT), webhook(BOOLEAN)

The topics that the chat has, none at first; the chat becomes another one, a supergroup; somebody
has set a webhook, or taken it away.

=head2 messages, alerts, replies, replies(MESSAGE_ID)

What sendMessage took, oldest first: hashes of message_id, time (with fractions), chat_id, text (as
sent), plain (without HTML), parse_mode, thread, reply_to (undef when the message replied to does
not exist), silent, preview_off, told (of the module with hooks for tests: the events that it is about, as
the API tells them), and unanswered: the sender may not have been told. Alerts are those that reply
to nothing. In scalar context their number. They outlive stop().

=head2 wait_for_messages(COUNT)

Waits until it took so many; returns false when they do not come.

=head2 say(TEXT, ...)

Somebody writes to the bot: chat (the bot's), type (by the chat's id: "private", "group",
"supergroup"; "channel" makes it a post there), date (now), message_thread_id, from (a hash that is
merged into the sender). Returns the message's id.

=head2 update(HASH)

Any other update. Returns its id; undef when it is of a kind that was not asked for.

=head2 wait_for_reply(MESSAGE_ID)

Waits for a message that replies to this one and returns the first, undef when none comes.

=head2 polls, pollers_at_once

What getUpdates was asked, oldest first: hashes of offset, timeout, limit, allowed_updates, time and
at_once: how many waited then, this one included. pollers_at_once is the most there ever were.

=head2 commands

The commands as they were set last: a list of hashes of command and description.

=cut

use strict;
use warnings;
use utf8;

use Encode ();
use JSON::PP ();
use List::Util qw(max);
use Time::HiRes qw(time);

use BotUpdates;
use VpsHttpd;

use parent 'LocalServer';

our $TOKEN = '7654321:AAtest-token_0123456789abcdefghijk';
our $NAME = 'SentinelTestBot';
our $CHAT = '-1001234567890';

my ($YES, $NO) = (JSON::PP::true, JSON::PP::false);
my $JSON = JSON::PP->new->utf8->canonical;

my %ME = (id => 7654321, is_bot => $YES, first_name => 'Sentinel', username => $NAME);

my $UNITS_MAX = 4096;    # UTF-16 code units of a message, without its markup
my $BYTES_MAX = 32768;   # of a message as it is sent
my $WAIT_MAX = 50;       # seconds of a getUpdates
my $UPDATES_MAX = 100;   # of one answer
my $COMMANDS_MAX = 100;

my %DESCRIPTION = (
    400 => 'Bad Request: chat not found',
    401 => 'Unauthorized',
    403 => 'Forbidden: bot was blocked by the user',
    404 => 'Not Found',
    409 => 'Conflict: terminated by other getUpdates request; make sure that only one bot instance'
        . ' is running',
    500 => 'Internal Server Error',
);
my $UPGRADED = 'Bad Request: group chat was upgraded to a supergroup chat';
my $HOOKED = q{Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to}
    . ' delete the webhook first';
my $HOOK_SET = 'Conflict: terminated by setWebhook request';

my %METHOD = (
    getMe => sub { _ok(\%ME) },
    setMyCommands => \&_set_commands,
    sendMessage => \&_send,
    getUpdates => \&_get_updates,
);

my %ENTITY = (lt => '<', gt => '>', amp => '&', quot => '"');
my $TAG = qr/b|strong|i|em|u|ins|s|strike|del|code|pre|a|tg-spoiler|tg-emoji|span|blockquote/;

sub new {
    my ($class, %option) = @_;
    return $class->SUPER::new(chat => $CHAT, topics => {}, %option);
}

sub conf {
    my ($self) = @_;
    return "VPNSentinelTelegram on\nVPNSentinelTelegramToken $TOKEN\n"
        . "VPNSentinelTelegramChatID $self->{chat}\n"
        . 'VPNSentinelTelegramAPIBase ' . $self->url . "\n";
}

sub fail {
    my ($self, $code, %option) = @_;
    my $retry_after = $option{retry_after};
    my $description = $option{description} // _description($code, $retry_after);
    my ($status, $header, $body) =
        _error($code, $description, $retry_after ? (retry_after => 0 + $retry_after) : ());
    return $self->misbehave($option{method} // 'sendMessage',
        { status => $status, header => $header, body => $body, times => $option{times} });
}

sub _description {
    my ($code, $retry_after) = @_;
    return $code == 429 ? 'Too Many Requests: retry after ' . ($retry_after // 1)
        : $DESCRIPTION{$code};
}

sub topics {
    my ($self, @topic) = @_;
    return $self->command('_set_topics', @topic);
}

sub migrate {
    my ($self, $chat) = @_;
    return $self->command('_migrate', $chat);
}

sub webhook {
    my ($self, $is_set) = @_;
    return $self->command('_set_webhook', $is_set);
}

sub say {
    my ($self, $text, %option) = @_;
    return $self->command('_hear', $text, \%option);
}

sub update {
    my ($self, $update) = @_;
    return $self->command('_take', $update);
}

sub messages {
    my ($self) = @_;
    return $self->requests('message');
}

sub alerts {
    my ($self) = @_;
    return grep { !defined $_->{reply_to} } $self->messages;
}

sub replies {
    my ($self, $id) = @_;
    return grep { defined $_->{reply_to} && $_->{reply_to} == ($id // $_->{reply_to}) }
        $self->messages;
}

sub polls {
    my ($self) = @_;
    return $self->requests('poll');
}

sub pollers_at_once {
    my ($self) = @_;
    return max(0, map { $_->{at_once} } $self->polls);
}

sub commands {
    my ($self) = @_;
    my @set = $self->requests('commands');
    return @set ? @{ $set[-1]{commands} } : ();
}

sub wait_for_messages {
    my ($self, $count) = @_;
    return VpsHttpd->wait_for(sub { $self->messages >= $count });
}

sub wait_for_reply {
    my ($self, $id) = @_;
    return VpsHttpd->wait_for(sub { ($self->replies($id))[0] }) || undef;
}

# --- the forked process: answers ------------------------------------------------------------------

sub service {
    my (undef, $request) = @_;
    my ($token, $method) = $request->{path} =~ m{\A/bot([^/]*)/(\w+)(?:\?|\z)} or return 'none';
    return $token eq $TOKEN ? $method : $token =~ /\A\d+:[\w-]+\z/ ? 'stranger' : 'none';
}

sub answer {
    my ($self, $request) = @_;
    return _error(401, $DESCRIPTION{401}) if $request->{service} eq 'stranger';
    my $method = $METHOD{ $request->{service} } or return _error(404, $DESCRIPTION{404});
    my $asked = _arguments($request) or return _error(400, "Bad Request: can't parse JSON object");
    return $self->$method($asked, $request);
}

sub _ok {
    my ($result) = @_;
    return (200, {}, $JSON->encode({ ok => $YES, result => $result }));
}

sub _error {
    my ($code, $description, %parameter) = @_;
    my %answer = (ok => $NO, error_code => 0 + $code, description => $description);
    $answer{parameters} = \%parameter if %parameter;
    my $wait = $parameter{retry_after};
    return ($code, $wait ? { 'Retry-After' => $wait } : {}, $JSON->encode(\%answer));
}

# What a request says: in its URL, and as a form or a JSON object. undef when that is none.
sub _arguments {
    my ($request) = @_;
    my %asked = _form($request->{path} =~ /\?(.*)/ ? $1 : '');
    my $type = $request->{header}{'content-type'} // '';
    if ($type =~ m{\Aapplication/json\b}i && $request->{body} ne '') {
        my $object = eval { $JSON->decode($request->{body}) };
        return if ref $object ne 'HASH';
        %asked = (%asked, %$object);
    } elsif ($type =~ m{\Aapplication/x-www-form-urlencoded\b}i) {
        %asked = (%asked, _form($request->{body}));
    }
    return \%asked;
}

sub _form {
    my ($text) = @_;
    return map {
        my ($name, $value) = split /=/, $_, 2;
        my $bytes = ($value // '') =~ tr/+/ /r =~ s/%([0-9a-f]{2})/chr hex $1/gier;
        ($name => Encode::decode('UTF-8', $bytes));
    } split /&/, $text;
}

# An argument that is an object or a list: in JSON as it is, else as a text.
sub _structure {
    my ($value) = @_;
    return $value if ref $value || !defined $value;
    return eval { JSON::PP->new->decode($value) };
}

sub _is_true {
    my ($value) = @_;
    return lc($value // '') =~ /\A(?:1|true|yes)\z/ ? 1 : 0;
}

# As the Bot API reads numbers: what is beyond a limit is the limit.
sub _number {
    my ($value, $default, $least, $most) = @_;
    my $number = ($value // '') =~ /\A-?\d+\z/ ? $value : $default;
    return $number < $least ? $least : $number > $most ? $most : 0 + $number;
}

# --- the forked process: sendMessage, setMyCommands -----------------------------------------------

sub _send {
    my ($self, $asked, $request) = @_;
    my $fault = $request->{fault} // {};
    my $chat = $asked->{chat_id} // '';
    return _error(400, $UPGRADED, migrate_to_chat_id => 0 + $self->{upgraded}{$chat})
        if $self->{upgraded}{$chat};
    my ($plain, $wrong) = $self->_examine($asked, $chat);
    return _error(400, "Bad Request: $wrong") if defined $wrong;

    my $id = $self->_next_message($chat);
    my %sent = (message_id => $id, date => int time, from => \%ME, text => $plain,
        chat => BotUpdates::chat($chat));
    return _ok(\%sent) if defined $fault->{status};
    my $reply_to = (_structure($asked->{reply_parameters}) // {})->{message_id};
    $self->record({
        service => 'message',
        message_id => $id,
        chat_id => $chat,
        text => $asked->{text},
        plain => $plain,
        parse_mode => $asked->{parse_mode},
        thread => $asked->{message_thread_id},
        reply_to => $self->_exists($chat, $reply_to) ? 0 + $reply_to : undef,
        silent => _is_true($asked->{disable_notification}),
        preview_off => _is_true((_structure($asked->{link_preview_options}) // {})->{is_disabled}),
        told => $asked->{test_told},
        unanswered => $fault->{cut} || $fault->{slow} ? 1 : 0,
    });
    return _ok(\%sent);
}

# The text of a message without its markup, and what is wrong with the message.
sub _examine {
    my ($self, $asked, $chat) = @_;
    my $text = $asked->{text} // '';
    my $thread = $asked->{message_thread_id};
    my $reply = _structure($asked->{reply_parameters});
    return ('', 'chat_id is empty') if $chat eq '';
    return ('', 'chat not found') if $chat ne $self->{chat};
    return ('', 'text is too long') if length(Encode::encode('UTF-8', $text)) > $BYTES_MAX;
    my ($plain, $wrong) = lc($asked->{parse_mode} // '') eq 'html' ? _parse($text) : ($text, undef);
    $wrong //= 'message text is empty' if $plain !~ /\S/;
    $wrong //= 'message is too long' if length(Encode::encode('UTF-16BE', $plain)) / 2 > $UNITS_MAX;
    $wrong //= 'message thread not found' if $thread && !$self->{topics}{$thread};
    $wrong //= 'message to be replied not found'
        if $reply && !$self->_exists($chat, $reply->{message_id})
        && !_is_true($reply->{allow_sending_without_reply});
    return ($plain, $wrong);
}

# The text without its HTML, and what is wrong with it.
sub _parse {
    my ($text) = @_;
    my ($plain, @open) = ('');
    my $wrong = "can't parse entities:";
    while ($text =~ /\G(?:([^<&]+)|&(lt|gt|amp|quot);|&#(\d+);|<(\/?)($TAG)(?: [^<>]*)?>|(.))/gs) {
        my ($literal, $name, $number, $end, $tag, $odd) = ($1, $2, $3, $4, $5, $6);
        return ($plain, "$wrong unexpected $odd") if defined $odd;
        if (!defined $tag) {
            $plain .= $literal // (defined $name ? $ENTITY{$name} : chr $number);
        } elsif (!$end) {
            push @open, $tag;
        } elsif ($tag ne (pop(@open) // '')) {
            return ($plain, "$wrong unexpected end tag $tag");
        }
    }
    return ($plain, @open ? "$wrong can't find the end of $open[-1]" : undef);
}

sub _set_commands {
    my ($self, $asked) = @_;
    my $commands = _structure($asked->{commands});
    return _error(400, q{Bad Request: can't parse BotCommands}) if ref $commands ne 'ARRAY';
    return _error(400, 'Bad Request: BOT_COMMANDS_TOO_MUCH') if @$commands > $COMMANDS_MAX;
    for my $command (@$commands) {
        my ($name, $description) = map { $_ // '' } @$command{qw(command description)};
        return _error(400, 'Bad Request: BOT_COMMAND_INVALID') if $name !~ /\A[a-z0-9_]{1,32}\z/;
        return _error(400, 'Bad Request: BOT_COMMAND_DESCRIPTION_INVALID')
            if $description !~ /\A.{1,256}\z/s;
    }
    $self->record({ service => 'commands', commands => $commands });
    return _ok($YES);
}

# --- the forked process: getUpdates ---------------------------------------------------------------

sub _get_updates {
    my ($self, $asked, $request) = @_;
    return _error(409, $HOOKED) if $self->{hooked};
    my %poll = (
        offset => _number($asked->{offset}, 0, -1e15, 1e15),
        timeout => _number($asked->{timeout}, 0, 0, $WAIT_MAX),
        limit => _number($asked->{limit}, $UPDATES_MAX, 1, $UPDATES_MAX),
        allowed_updates => _structure($asked->{allowed_updates}),
    );
    my $is_second = $self->_someone_polls;
    $self->record({ %poll, service => 'poll', at_once => $is_second ? 2 : 1 });
    $self->_end_poll(_error(409, $DESCRIPTION{409})) if $is_second;
    return _ok([]) if $request->{fault} && defined $request->{fault}{status};

    my $updates = $self->_updates;
    $updates->allow($poll{allowed_updates});
    $updates->confirm($poll{offset});
    my @first = $updates->first($poll{limit});
    return _ok(\@first) if @first || $poll{timeout} == 0 || $request->{fault};
    $self->{poll} = { %poll, socket => $request->{socket}, end => time + $poll{timeout} };
    return;
}

sub _updates {
    my ($self) = @_;
    return $self->{updates} //= BotUpdates->new;
}

# Does a getUpdates wait whose asker is still there?
sub _someone_polls {
    my ($self) = @_;
    delete $self->{poll} if $self->{poll} && $self->is_gone($self->{poll}{socket});
    return defined $self->{poll};
}

sub _end_poll {
    my ($self, @answer) = @_;
    my $poll = delete $self->{poll} or return;
    return $self->reply($poll->{socket}, @answer);
}

sub pass {
    my ($self) = @_;
    $self->_end_poll(_ok([])) if $self->{poll} && time >= $self->{poll}{end};
    return;
}

sub gone {
    my ($self, $socket) = @_;
    delete $self->{poll} if $self->{poll} && $self->{poll}{socket} == $socket;
    return;
}

# --- the forked process: what happens in the chat -------------------------------------------------

sub _set_topics {
    my ($self, @topic) = @_;
    $self->{topics} = { map { $_ => 1 } @topic };
    return;
}

sub _migrate {
    my ($self, $chat) = @_;
    $self->{upgraded}{ $self->{chat} } = $chat;
    $self->{chat} = $chat;
    return;
}

sub _set_webhook {
    my ($self, $is_set) = @_;
    $self->{hooked} = $is_set;
    $self->_end_poll(_error(409, $HOOK_SET)) if $is_set;
    return;
}

sub _take {
    my ($self, $update) = @_;
    my $id = $self->_updates->take($update);
    my $limit = $self->{poll} ? $self->{poll}{limit} : 0;
    $self->_end_poll(_ok([ $self->_updates->first($limit) ])) if defined $id && $limit;
    return $id;
}

sub _hear {
    my ($self, $text, $option) = @_;
    my $chat = $option->{chat} // $self->{chat};
    my $id = $self->_next_message($chat);
    $self->_take(BotUpdates::written($text, %$option, message_id => $id, chat => $chat));
    return $id;
}

sub _next_message {
    my ($self, $chat) = @_;
    my $id = ++$self->{message_ids};
    $self->{known}{$chat}{$id} = 1;
    return $id;
}

sub _exists {
    my ($self, $chat, $id) = @_;
    return defined $id && $self->{known}{$chat}{$id};
}

1;
