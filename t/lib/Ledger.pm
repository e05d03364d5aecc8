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

Each transition has to be an event of the API once, and each event a message of the bot once, both
in the order of their client. What cannot be otherwise is excused, and counted:

A message that the bot took just before the monitor ended, or without the sender knowing, may come a
second time.

A monitor that begins while the store is gone does not see what waits in it. What happens meanwhile
is told before that; and what was told since the store went, by the monitor before, may come a
second time.

=head2 expect(CLIENT, NAME...)

What has to be announced of a client now.

=head2 monitor_ends, store_goes, store_is_back

Now, on purpose.

=head2 open_accounts(EVENTS)

The clients of which something else has been announced until now, each as "CLIENT: expected ...,
told ...". EVENTS gives the names of a client's events.

=head2 audit(EVENTS, MESSAGES)

At the end: compares all events, as the API tells them, with all messages, as BotApi keeps them.
Returns a hash: faults, a list of sentences, which should be empty; events, messages, doubled,
reordered, their numbers.

=cut

use strict;
use warnings;

use Time::HiRes qw(time);

my $WINDOW = 2;    # seconds between a message and the end of the monitor that may have forgotten it

sub new {
    my ($class) = @_;
    return bless { expected => {}, ends => [], gone => [] }, $class;
}

sub expect {
    my ($self, $client, @names) = @_;
    push @{ $self->{expected}{$client} }, @names;
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

sub audit {
    my ($self, $events, $messages) = @_;
    my (%came, %of_client);
    push @{ $came{ $_->{plain} } }, $_ for @$messages;
    # Two events may have the same words: each has a message of its own.
    my %waiting = map { $_ => [ @{ $came{$_} } ] } keys %came;
    for my $event (@$events) {
        my $message = shift @{ $waiting{ $event->{message} } };
        push @{ $self->{faults} }, "the bot was not told: $event->{message}" if !$message;
        push @{ $of_client{ $event->{client_id} // '' } }, $message if $message;
    }
    my @doubled = map { @$_ } values %waiting;
    for my $message (@doubled) {
        my @before = grep { $_->{time} < $message->{time} } @{ $came{ $message->{plain} } };
        push @{ $self->{faults} }, "the bot was told without a reason: $message->{plain}"
            if !grep { $self->_may_come_twice($_) } @before;
    }
    my $reordered = 0;
    $reordered += $self->_check_order($_) for values %of_client;
    return {
        faults => $self->{faults} // [],
        events => scalar @$events,
        messages => scalar @$messages,
        doubled => scalar @doubled,
        reordered => $reordered,
    };
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
    my ($self, $messages) = @_;
    my ($latest, $reordered) = (undef, 0);
    for my $message (@$messages) {
        if ($latest && $message->{time} < $latest->{time}) {
            $reordered++;
            push @{ $self->{faults} }, "$message->{plain}\ncame before\n$latest->{plain}"
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
