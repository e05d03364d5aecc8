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

=head2 new(window => SECONDS)

So long after a message the end of the monitor may be the reason why it comes again; 2 if nothing is said.

=head2 expect(CLIENT, NAME...)

What has to be announced of a client now.

=head2 may(CLIENT, NAME...)

What may be announced of a client now, all of it or nothing: nobody can know.

=head2 asks(MESSAGE_ID)

Somebody asks the bot something, now.

=head2 monitor_ends, store_goes, store_is_back

Now, on purpose.

=head2 open_accounts(EVENTS)

The clients of which something else has been announced until now, each as "CLIENT: expected ...,
told ...". EVENTS gives the names of a client's events.

=head2 untold(EVENTS, MESSAGES), unanswered(MESSAGES)

Which of all events, as the API tells them, none of all messages tells, as BotApi keeps them of a module
with hooks for tests (see Tellings); and the questions that none of them answers, which are untold, too.

=head2 unhooked(EVENTS, TAKEN)

Which of all events a webhook has not taken: see audit_hook().

=head2 audit(EVENTS, MESSAGES)

At the end: compares them. Returns a hash: faults, a list of sentences, which should be empty;
events, messages, doubled, reordered, their numbers; and reasons, for which what came twice did so, with
the number of each: "answer lost", "monitor ended", "store gone".

=head2 audit_hook(EVENTS, TAKEN)

The same for what one webhook took: hashes of id, time, client, text (the event's message), is_signed
and unanswered. Each event has to come once, as it is, in the order of its client; again only for
one of the reasons, and under the same id.

=cut

use strict;
use warnings;

use Time::HiRes qw(time);

use AlertText;
use Tellings;

sub new {
    my ($class, %option) = @_;
    return bless { window => 2, %option, expected => {}, asked => [], ends => [], gone => [] }, $class;
}

sub expect {
    my ($self, $client, @names) = @_;
    push @{ $self->{expected}{$client} }, @names;
    return;
}

sub may {
    my ($self, $client, @names) = @_;
    push @{ $self->{expected}{$client} }, '(' . join(' ', @names) . ')';
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
        my @expected = @{ $self->{expected}{$client} };
        my $told = join '', map { " $_" } $events->($client);
        my $pattern = join '', map { /\A\((.*)\)\z/ ? "(?: $1)?" : " $_" } @expected;
        push @open, "$client: expected @expected, told$told" if $told !~ /\A$pattern\z/;
    }
    return @open;
}

sub untold {
    my ($self, $events, $messages) = @_;
    my $accounts = Tellings::match($events, [ _alerts(@$messages) ])->{accounts};
    my @open = map { $_->{event} } grep { !@{ $_->{messages} } } @$accounts;
    push @open, $self->unanswered($messages);
    return @open;
}

sub unanswered {
    my ($self, $messages) = @_;
    my $answers = _by(reply_to => _answers(@$messages));
    return grep { !$answers->{$_} } @{ $self->{asked} };
}

sub unhooked {
    my ($self, $events, $taken) = @_;
    my %taken = map { $_->{text} => 1 } @$taken;
    return grep { !$taken{ $_->{message} } } @$events;
}

sub audit {
    my ($self, $events, $messages) = @_;
    local $self->{reasons} = {};
    local $self->{faults} = [];
    my @alerts = _alerts(@$messages);
    my $tellings = Tellings::match($events, \@alerts);
    my ($accounts, $strays, $wrong) = @$tellings{qw(accounts strays wrong)};
    my $doubled = @$strays + $self->_check_answers($messages);
    my $of_client = _by(client => @$accounts);
    my $reordered = 0;
    $doubled += $self->_check_account($_) for @$accounts;
    $reordered += $self->_check_order(map { $_->{messages}[0] // () } @$_) for values %$of_client;
    $self->_blame("tells what is no event: $_->{plain}") for @$strays;
    $self->_blame($_) for @$wrong;
    $self->_blame("cannot be read: $_")
        for map { @{ AlertText::parse($_->{plain})->{odd} } } @alerts;
    return $self->_result($events, $messages, $doubled, $reordered);
}

sub audit_hook {
    my ($self, $events, $taken) = @_;
    local $self->{reasons} = {};
    local $self->{faults} = [];
    my @accounts = map { {
        event => $_,
        client => $_->{client_id} // '',
        messages => [],
    } } @$events;
    my %of_text = map { $_->{event}{message} => $_ } @accounts;
    for my $message (map { { %$_, plain => $_->{text} } } @$taken) {
        my $account = $of_text{ $message->{text} };
        push @{ $account->{messages} }, $message if $account;
        $self->_blame("a webhook was told what was not: $message->{text}") if !$account;
        $self->_blame("is not signed: $message->{text}") if !$message->{is_signed};
    }
    my ($doubled, $reordered, $of_client) = (0, 0, _by(client => @accounts));
    $doubled += $self->_check_account($_) for @accounts;
    $reordered += $self->_check_order(map { $_->{messages}[0] // () } @$_) for values %$of_client;
    for my $account (@accounts) {
        my %id = map { $_->{id} => 1 } @{ $account->{messages} };
        $self->_blame("has several ids: $account->{event}{message}") if keys %id > 1;
    }
    return $self->_result($events, $taken, $doubled, $reordered);
}

sub _result {
    my ($self, $events, $messages, $doubled, $reordered) = @_;
    return {
        faults => $self->{faults},
        events => scalar @$events,
        messages => scalar @$messages,
        doubled => $doubled,
        reordered => $reordered,
        reasons => $self->{reasons},
    };
}

sub _alerts {
    return grep { !defined $_->{reply_to} } @_;
}

sub _answers {
    return grep { defined $_->{reply_to} } @_;
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

# Each event has a message. Returns how many came again.
sub _check_account {
    my ($self, $account) = @_;
    my ($first, @again) = @{ $account->{messages} };
    $self->_blame("was not told: $account->{event}{message}") if !$first;
    $self->_check_again($first, @again);
    return scalar @again;
}

# What comes again must repeat something that may.
sub _check_again {
    my ($self, @messages) = @_;
    for my $i (1 .. $#messages) {
        my ($reason) = map { $self->_why_twice($_) // () } reverse @messages[ 0 .. $i - 1 ];
        $self->_blame("was told without a reason: $messages[$i]{plain}\n("
                . $self->_times($messages[$i], $messages[ $i - 1 ]) . ')') if !defined $reason;
        $self->{reasons}{$reason}++ if defined $reason;
    }
    return;
}

# For who looks for the reason.
sub _times {
    my ($self, $message, $before) = @_;
    my ($end) = sort { $a <=> $b } grep { $_ > $before->{time} } @{ $self->{ends} };
    return sprintf('%.1f s after it was told before', $message->{time} - $before->{time})
        . (defined $end ? sprintf(', when the monitor ended %.1f s later', $end - $before->{time}) : '');
}

# Each question has an answer. Returns how many came twice.
sub _check_answers {
    my ($self, $messages) = @_;
    my $answers = _by(reply_to => _answers(@$messages));
    my $doubled = 0;
    for my $id (@{ $self->{asked} }) {
        my ($first, @again) = @{ $answers->{$id} // [] };
        $self->_blame("question $id was not answered") if !$first;
        $self->_check_again($first, @again);
        $doubled += @again;
    }
    return $doubled;
}

# Why this message, taken once, may come again; undef: it may not.
sub _why_twice {
    my ($self, $message) = @_;
    my $time = $message->{time};
    return 'answer lost' if $message->{unanswered};
    return 'monitor ended' if grep { $_ > $time && $_ < $time + $self->{window} } @{ $self->{ends} };
    return 'store gone' if grep { $time > $_->{from} && $time < $_->{last_end} } $self->_blind_times;
    return;
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
    return grep { $time > $_->{first_end} && $time < $_->{to} + $self->{window} } $self->_blind_times;
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
