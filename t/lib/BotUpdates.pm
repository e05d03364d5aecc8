package BotUpdates;

=head1 NAME

BotUpdates - what a bot's getUpdates has to hand out, for BotApi

=head1 DESCRIPTION

Each update is kept until an offset beyond it is asked for.

=head2 take(UPDATE)

Keeps an update, a hash with what it is about ("message" => {...}), and gives it an update_id.
Returns that; undef when nobody wants updates of this kind.

=head2 allow(KINDS)

The kinds that are wanted from now on: a list; empty = all but those that nobody gets unasked; undef
= as before.

=head2 confirm(OFFSET)

Forgets all updates below; a negative one all but the last so many.

=head2 first(LIMIT)

The oldest updates.

=head2 BotUpdates::written(TEXT, ...), BotUpdates::chat(ID, TYPE)

Functions: the update of somebody having written (as BotApi's say() takes it, and message_id), and
what is said of a chat.

=cut

use strict;
use warnings;

use Encode ();
use JSON::PP ();

my %SENDER = (id => 4242, is_bot => JSON::PP::false, first_name => 'Ada', language_code => 'en');

my @UNASKED = qw(chat_member message_reaction message_reaction_count);

sub new {
    my ($class) = @_;
    return bless { next_id => 500_000_001, updates => [], allowed => {} }, $class;
}

sub take {
    my ($self, $update) = @_;
    my ($kind) = grep { $_ ne 'update_id' } keys %$update;
    return if !$self->_is_allowed($kind);
    my $id = $self->{next_id}++;
    push @{ $self->{updates} }, { %$update, update_id => $id };
    return $id;
}

sub _is_allowed {
    my ($self, $kind) = @_;
    return $self->{allowed}{$kind} if %{ $self->{allowed} };
    return !grep { $_ eq $kind } @UNASKED;
}

sub allow {
    my ($self, $kinds) = @_;
    $self->{allowed} = { map { $_ => 1 } @$kinds } if ref $kinds eq 'ARRAY';
    return;
}

sub confirm {
    my ($self, $offset) = @_;
    my $updates = $self->{updates};
    if ($offset < 0) {
        splice @$updates, 0, $offset if @$updates > -$offset;
    } else {
        @$updates = grep { $_->{update_id} >= $offset } @$updates;
    }
    return;
}

sub first {
    my ($self, $limit) = @_;
    my @updates = @{ $self->{updates} };
    return @updates > $limit ? @updates[ 0 .. $limit - 1 ] : @updates;
}

sub written {
    my ($text, %option) = @_;
    my $chat = chat(@option{qw(chat type)});
    my $is_post = $chat->{type} eq 'channel';
    my $thread = $option{message_thread_id};
    my @commands = _commands_in($text);
    my %message = (
        message_id => $option{message_id},
        date => $option{date} // time,
        chat => $chat,
        text => $text,
        $is_post ? (sender_chat => $chat) : (from => { %SENDER, %{ $option{from} // {} } }),
        @commands ? (entities => \@commands) : (),
        $thread ? (message_thread_id => 0 + $thread, is_topic_message => JSON::PP::true) : (),
    );
    return { ($is_post ? 'channel_post' : 'message') => \%message };
}

sub chat {
    my ($id, $type) = @_;
    $type //= $id > 0 ? 'private' : $id =~ /\A-100/ ? 'supergroup' : 'group';
    my @name = $type eq 'private' ? (first_name => 'Ada') : (title => 'VPN');
    return { id => 0 + $id, type => $type, @name };
}

# The entities of the commands in a text; they count in UTF-16.
sub _commands_in {
    my ($text) = @_;
    my @commands;
    while ($text =~ /(?<!\S)(\/[A-Za-z0-9_]{1,64}(?:@\w+)?)/g) {
        my ($before, $length) = (substr($text, 0, $-[1]), length $1);
        push @commands, { type => 'bot_command', length => $length,
            offset => length(Encode::encode('UTF-16BE', $before)) / 2 };
    }
    return @commands;
}

1;
