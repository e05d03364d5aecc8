package Tellings;

=head1 NAME

Tellings - which message of the bot told which event

=head1 SYNOPSIS

    my $tellings = Tellings::match(\@events, [$bot->alerts]);

=head2 match(EVENTS, ALERTS)

Takes all events, as the API tells them, and all alerts, as BotApi keeps them, oldest first, of a module
with hooks for tests: each says itself which events it is about. From the words of a digest that could
not be known: of a client that flaps they name no times, and one that is sent again holds what was told
before and what was not. But the words have to fit to what it says. Returns a hash:

    accounts    for each event a hash: event, client, and messages, those that told it, oldest first
    strays      messages that tell, too, what is no event
    wrong       a list of sentences: what the words of a message tell is something else, or not the same
                number of it

=head2 faults(EVENTS, ALERTS)

The same of any module, by words alone, for alerts that were sent once: a list of sentences, none when each
event was told once, in the order of its client.

=cut

use strict;
use warnings;
use utf8;

use List::Util qw(uniq);

use AlertText;

sub match {
    my ($events, $alerts) = @_;
    my @accounts = map { _account($_) } @$events;
    my %of_text = map { $_->{event}{message} => $_ } @accounts;
    my %result = (accounts => \@accounts, strays => [], wrong => []);
    for my $message (@$alerts) {
        my @about = @{ $message->{told} // [] };
        my @known = map { $of_text{$_} // () } @about;
        push @{ $_->{messages} }, $message for @known;
        push @{ $result{strays} }, ($message) x (@about - @known);
        push @{ $result{wrong} }, map { "$_: $message->{plain}" } _compare($message, @about);
    }
    return \%result;
}

# After each message, what a client was told of is the beginning of what happened to it.
sub faults {
    my ($events, $alerts) = @_;
    my (%due, %told, @fault);
    push @{ $due{ $_->{client} } }, $_->{title} for map { _fact($_->{message}) } @$events;
    for my $message (@$alerts) {
        my @telling = @{ AlertText::parse($message->{plain})->{told} };
        push @{ $told{ $_->{client} } }, ($_->{title}) x $_->{count} for @telling;
        for my $client (uniq map { $_->{client} } @telling) {
            my @so_far = @{ $told{$client} };
            my @happened = grep { defined } @{ $due{$client} // [] }[ 0 .. $#so_far ];
            push @fault, "once more, or too early: $message->{plain}"
                if join("\n", sort @so_far) ne join("\n", sort @happened);
        }
    }
    push @fault, map { "of $_ not all was told" } grep { @{ $told{$_} // [] } < @{ $due{$_} } } sort keys %due;
    return @fault;
}

sub _account {
    my ($event) = @_;
    return { event => $event, messages => [], client => _fact($event->{message})->{client} };
}

# Of an event: its client, title and clock.
sub _fact {
    my ($text) = @_;
    my ($told) = @{ AlertText::parse($text)->{told} };
    my ($clock) = $text =~ /^Time: .*(\d\d:\d\d:\d\d)/m;
    return { client => $told->{client}, title => $told->{title}, clock => $clock };
}

# What the words of a message tell, and these events, in order, do not, or the other way round.
sub _compare {
    my ($message, @about) = @_;
    my $alert = AlertText::parse($message->{plain});
    return @about == 1 && $about[0] eq $alert->{text} ? () : 'is about another event'
        if defined $alert->{text};
    my @wrong;
    push @wrong, "tells $alert->{total} alerts of " . @about if $alert->{total} != @about;
    my ($told, $fact) = (_told($alert), _facts(@about));
    for my $name (sort keys %{ { %$told, %$fact } }) {
        next if !$told->{$name} && $alert->{unnamed};
        my ($words, $truth) = map { _words($_->{$name}, $told->{$name}) } $told, $fact;
        push @wrong, "tells $words, not $truth" if $words ne $truth;
    }
    return @wrong;
}

# By client and title: how many, the newest time, and the newest title of a client that flaps.
sub _told {
    my ($alert) = @_;
    my %told;
    for (@{ $alert->{told} }) {
        my $entry = $told{"$_->{client}, $_->{title}"} //= { count => 0 };
        $entry->{count} += $_->{count};
        @$entry{qw(clock now)} = @$_{qw(clock now)};    # the newest is the last line
    }
    return \%told;
}

sub _facts {
    my @fact = map { _fact($_) } @_;
    my (%fact, %now);
    $now{ $_->{client} } = $_->{title} for @fact;
    for (@fact) {
        my $entry = $fact{"$_->{client}, $_->{title}"} //= { count => 0, now => $now{ $_->{client} } };
        $entry->{count}++;
        $entry->{clock} = $_->{clock};
    }
    return \%fact;
}

# An entry, without what the message does not say.
sub _words {
    my ($entry, $said) = @_;
    return 'nothing' if !$entry;
    my @more = map { $entry->{$_} // 'none' } grep { defined $said->{$_} } qw(clock now);
    return join ' ', "$entry->{count} times", @more;
}

1;
