package BotApi;

=head1 NAME

BotApi - plays Telegram's Bot API

=head1 SYNOPSIS

    my $bot = BotApi->start;
    my $httpd = VpsHttpd->start(conf => $bot->conf . ...);
    $bot->fail(429, retry_after => 2, times => 1);
    ok($bot->wait_for_messages(3));
    is(($bot->messages)[0]{plain}, "...");

=head1 DESCRIPTION

A LocalServer (see there) with the method sendMessage of one bot, which is in one chat:
$BotApi::TOKEN and $BotApi::CHAT. It is as strict as the Bot API, and in HTML stricter: there each
"&" must begin an entity. The service's name is the method's. A request whose fault says cut or slow
is carried out all the same.

=head2 conf

The directives that make a server use it.

=head2 fail(CODE, ...)

sendMessage fails with this error of the Bot API: description (the usual one), retry_after, times.

=head2 messages

What it took, oldest first: hashes of message_id, time (with fractions), chat_id, text (as sent),
plain (without HTML), parse_mode, and unanswered: the sender may not have been told. In scalar
context their number. They outlive stop().

=head2 wait_for_messages(COUNT)

Waits until it took so many; returns false when they do not come.

=cut

use strict;
use warnings;
use utf8;

use Encode ();
use JSON::PP ();
use VpsHttpd;

use parent 'LocalServer';

our $TOKEN = '7654321:AAtest-token_0123456789abcdefghijk';
our $CHAT = '-1001234567890';

my $JSON = JSON::PP->new->utf8->canonical;

my %DESCRIPTION = (
    400 => 'Bad Request: chat not found',
    401 => 'Unauthorized',
    403 => 'Forbidden: bot was blocked by the user',
    404 => 'Not Found',
    500 => 'Internal Server Error',
);

my %ENTITY = (lt => '<', gt => '>', amp => '&', quot => '"');
my $TAG = qr/b|strong|i|em|u|ins|s|strike|del|code|pre|a|tg-spoiler|tg-emoji|span|blockquote/;

sub conf {
    my ($self) = @_;
    return "VPNSentinelTelegram on\nVPNSentinelTelegramToken $TOKEN\n"
        . "VPNSentinelTelegramChatID $CHAT\nVPNSentinelTelegramAPIBase " . $self->url . "\n";
}

sub fail {
    my ($self, $code, %option) = @_;
    my ($status, $header, $body) =
        _error($code, $option{description} // _description($code, $option{retry_after}),
            $option{retry_after});
    return $self->misbehave(sendMessage =>
            { status => $status, header => $header, body => $body, times => $option{times} });
}

sub _description {
    my ($code, $retry_after) = @_;
    return $code == 429 ? 'Too Many Requests: retry after ' . ($retry_after // 1)
        : $DESCRIPTION{$code};
}

sub messages {
    my ($self) = @_;
    return $self->requests('message');
}

sub wait_for_messages {
    my ($self, $count) = @_;
    return VpsHttpd->wait_for(sub { $self->messages >= $count });
}

# --- the forked process --------------------------------------------------------------------------

sub service {
    my (undef, $request) = @_;
    my ($token, $method) = $request->{path} =~ m{\A/bot([^/]*)/(\w+)(?:\?|\z)} or return 'none';
    return $token eq $TOKEN ? $method : $token =~ /\A\d+:[\w-]+\z/ ? 'stranger' : 'none';
}

sub answer {
    my ($self, $request) = @_;
    return _error(401, $DESCRIPTION{401}) if $request->{service} eq 'stranger';
    return _error(404, $DESCRIPTION{404}) if $request->{service} ne 'sendMessage';
    my $message = eval { $JSON->decode($request->{body}) };
    ref $message eq 'HASH' or return _error(400, "Bad Request: can't parse JSON object");
    return $self->_send($message, $request->{fault} // {});
}

sub _ok {
    my ($result) = @_;
    return (200, {}, $JSON->encode({ ok => JSON::PP::true, result => $result }));
}

sub _error {
    my ($code, $description, $retry_after) = @_;
    my %answer = (ok => JSON::PP::false, error_code => 0 + $code, description => $description);
    $answer{parameters} = { retry_after => 0 + $retry_after } if $retry_after;
    return ($code, $retry_after ? { 'Retry-After' => $retry_after } : {}, $JSON->encode(\%answer));
}

sub _send {
    my ($self, $message, $fault) = @_;
    return _error(400, $DESCRIPTION{400}) if ($message->{chat_id} // '') ne $CHAT;
    my $text = $message->{text} // '';
    my ($plain, $wrong) = ($text, undef);
    ($plain, $wrong) = _parse($text) if lc($message->{parse_mode} // '') eq 'html';
    $wrong //= 'message text is empty' if $plain !~ /\S/;
    $wrong //= 'message is too long' if length(Encode::encode('UTF-16BE', $plain)) / 2 > 4096;
    return _error(400, "Bad Request: $wrong") if defined $wrong;

    my %taken = (message_id => ++$self->{taken}, chat_id => $CHAT, text => $text);
    return _ok({ %taken, date => time }) if defined $fault->{status};
    $self->record({
        %taken,
        service => 'message',
        plain => $plain,
        parse_mode => $message->{parse_mode},
        unanswered => $fault->{cut} || $fault->{slow} ? 1 : 0,
    });
    return _ok({ %taken, date => time });
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

1;
