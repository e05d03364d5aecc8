package Ledger;

=head1 NAME

Ledger - what clients really did against what was announced of it

=head1 SYNOPSIS

    my $ledger = Ledger->new;
    $ledger->expect('office', 'connected');
    $ledger->monitor_ends;
    my @open = $ledger->open_accounts(sub { names of the events of a client });
    my $result = $ledger->audit(\@events, [$bot->messages]);

=head1 DESCRIPTION

Each transition has to be an event of the API once, and each event be told by the bot once, alone
or in a digest, both in the order of their client. Each question has to be answered once. What
cannot be otherwise is excused, and counted:

A message that the bot took just before the monitor ended, or without the sender knowing, may come a
second time.

A monitor that begins while the store is gone does not see what waits in it. What happens meanwhile
is told before that; and what was told since the store went, by the monitor before, may come a
second time.

=head2 expect(CLIENT, NAME...)

What has to be announced of a client now.

=head2 asks(MESSAGE_ID)

Somebody asks the bot something, now.

=head2 monitor_ends, store_goes, store_is_back

Now, on purpose.

=head2 open_accounts(EVENTS)

The clients of which something else has been announced until now, each as "CLIENT: expected ...,
told ...". EVENTS gives the names of a client's events.

=head2 untold(EVENTS, MESSAGES)

Which of all events, as the API tells them, none of all messages tells, as BotApi keeps them; and
what is not answered.

=head2 audit(EVENTS, MESSAGES)

At the end: compares them. Returns a hash: faults, a list of sentences, which should be empty;
events, messages, doubled, reordered, their numbers.

=cut

use strict;
use warnings;

use List::Util qw(min sum0);
use Time::HiRes qw(time);

use AlertText;

my $WINDOW = 2;    # seconds between a message and the end of the monitor that may have forgotten it

sub new {
    my ($class) = @_;
    return bless { expected => {}, asked => [], ends => [], gone => [] }, $class;
}

sub expect {
    my ($self, $client, @names) = @_;
    push @{ $self->{expected}{$client} }, @names;
    return;
}

sub asks {
    my ($self, $id) = @_;
    push @{ $self->{asked} }, $id;
    return;
}

sub monitor_ends {
    my ($self) = @_;
    push @{ $self->{ends} }, time;
    return;
}

sub store_goes {
    my ($self) = @_;
    push @{ $self->{gone} }, { from => time, to => time + 1e6 };
    return;
}

sub store_is_back {
    my ($self) = @_;
    $self->{gone}[-1]{to} = time;
    return;
}

sub open_accounts {
    my ($self, $events) = @_;
    my @open;
    for my $client (sort keys %{ $self->{expected} }) {
        my ($expected, $told) = ("@{ $self->{expected}{$client} }", join ' ', $events->($client));
        push @open, "$client: expected $expected, told $told" if $expected ne $told;
    }
    return @open;
}

sub untold {
    my ($self, $events, $messages) = @_;
    my $answered = _by(reply_to => grep { defined $_->{reply_to} } @$messages);
    my $pages = _pages($events, $messages);
    my @open = map { @{ _match($_)->{untold} } } values %$pages;
    push @open, grep { !$answered->{$_} } @{ $self->{asked} };
    return @open;
}

sub audit {
    my ($self, $events, $messages) = @_;
    my %message_of;
    my $pages = _pages($events, $messages);
    my $doubled = $self->_check_answers($messages);
    for my $key (sort keys %$pages) {
        my $match = _match($pages->{$key});
        $self->_blame("the bot was not told: $_->{message}") for @{ $match->{untold} };
        $doubled += $self->_check_doubles($match);
        $message_of{ $_->[0] } = $_->[1] for @{ $match->{pairs} };
    }
    my $of_client = _by(client_id => grep { $message_of{$_} } @$events);
    my $reordered = 0;
    $reordered += $self->_check_order(map { $message_of{$_} } @$_) for values %$of_client;
    $self->_blame("cannot be read: $_") for map { @{ AlertText::parse($_->{plain})->{odd} } }
        grep { !defined $_->{reply_to} } @$messages;
    return {
        faults => $self->{faults} // [],
        events => scalar @$events,
        messages => scalar @$messages,
        doubled => $doubled,
        reordered => $reordered,
    };
}

sub _blame {
    my ($self, $words) = @_;
    push @{ $self->{faults} }, $words;
    return;
}

# Lists of hashes by one of their members.
sub _by {
    my ($name, @all) = @_;
    my %by;
    push @{ $by{ $_->{$name} // '' } }, $_ for @all;
    return \%by;
}

# What belongs together: for each client and title its events and its tellings, which are hashes of
# message, time, count and, of a single alert, text.
sub _pages {
    my ($events, $messages) = @_;
    my %page;
    for my $event (@$events) {
        my ($told) = @{ AlertText::parse($event->{message})->{told} };
        push @{ $page{"$told->{title} $told->{client}"}{events} }, $event;
    }
    for my $message (grep { !defined $_->{reply_to} } @$messages) {
        my $alert = AlertText::parse($message->{plain});
        push @{ $page{"$_->{title} $_->{client}"}{tellings} },
            { message => $message, time => $message->{time}, count => $_->{count},
            text => $alert->{text} } for @{ $alert->{told} };
    }
    return \%page;
}

# Finds what told each event of a page: pairs of event and message, untold events, tellings, of
# which those that are too much have a number in excess. A single alert has the event's words;
# digests have the rest, in order. Two events may have the same words: each has a message of its own.
sub _match {
    my ($page) = @_;
    my @tellings = map { { %$_, excess => $_->{count} } } @{ $page->{tellings} // [] };
    my (@pairs, @open);
    for my $event (@{ $page->{events} // [] }) {
        my ($telling) = grep { $_->{excess} && ($_->{text} // '') eq $event->{message} } @tellings;
        push @pairs, [ $event, $telling->{message} ] if $telling;
        push @open, $event if !$telling;
        $telling->{excess} = 0 if $telling;
    }
    # From the last: what is told again is told again whole.
    for my $digest (reverse grep { !defined $_->{text} } @tellings) {
        my $count = min($digest->{count}, scalar @open);
        push @pairs, map { [ $_, $digest->{message} ] } splice @open, @open - $count;
        $digest->{excess} -= $count;
    }
    return { pairs => \@pairs, untold => \@open, tellings => \@tellings };
}

# Tellings that are too much must have a reason. Returns how many they are.
sub _check_doubles {
    my ($self, $match) = @_;
    my @too_much = grep { $_->{excess} } @{ $match->{tellings} };
    for my $telling (@too_much) {
        my $excused = sum0(map { $_->{count} } grep { $self->_may_come_twice($_->{message}) }
                _originals($telling, @{ $match->{tellings} }));
        $self->_blame("the bot was told without a reason: $telling->{message}{plain}")
            if $excused < $telling->{excess};
    }
    return sum0(map { $_->{excess} } @too_much);
}

# What this telling may repeat. The excess of a digest may be found at the original, too.
sub _originals {
    my ($telling, @all) = @_;
    my @before = grep { $_->{time} < $telling->{time} } @all;
    return ($telling, @before) if !defined $telling->{text};
    return grep { ($_->{text} // $telling->{text}) eq $telling->{text} } @before;
}

# Each question has an answer. Returns how many came twice.
sub _check_answers {
    my ($self, $messages) = @_;
    my $answers = _by(reply_to => grep { defined $_->{reply_to} } @$messages);
    my $doubled = 0;
    for my $id (@{ $self->{asked} }) {
        my ($first, @again) = @{ $answers->{$id} // [] };
        $self->_blame("message $id was not answered") if !$first;
        $self->_blame("message $id was answered without a reason: $_->{plain}")
            for $first && !$self->_may_come_twice($first) ? @again : ();
        $doubled += @again;
    }
    return $doubled;
}

# May this message, taken once, come again?
sub _may_come_twice {
    my ($self, $message) = @_;
    my $time = $message->{time};
    return 1 if $message->{unanswered};
    return 1 if grep { $_ > $time && $_ < $time + $WINDOW } @{ $self->{ends} };
    return grep { $time > $_->{from} && $time < $_->{last_end} } $self->_blind_times;
}

# The messages of one client, in the order of its events. Returns how many came before an earlier
# one.
sub _check_order {
    my ($self, @messages) = @_;
    my ($latest, $reordered) = (undef, 0);
    for my $message (@messages) {
        if ($latest && $message->{time} < $latest->{time}) {
            $reordered++;
            $self->_blame("$message->{plain}\ncame before\n$latest->{plain}")
                if !$self->_may_come_early($message->{time});
        } else {
            $latest = $message;
        }
    }
    return $reordered;
}

# May a message that came at this time have overtaken others?
sub _may_come_early {
    my ($self, $time) = @_;
    return grep { $time > $_->{first_end} && $time < $_->{to} + $WINDOW } $self->_blind_times;
}

# The times without a store in which a monitor ended, with when that was.
sub _blind_times {
    my ($self) = @_;
    return map {
        my $gone = $_;
        my @ends = grep { $_ > $gone->{from} && $_ < $gone->{to} } @{ $self->{ends} };
        @ends ? { %$gone, first_end => $ends[0], last_end => $ends[-1] } : ();
    } @{ $self->{gone} };
}

1;
