package Tellings;

=head1 NAME

Tellings - which message of the bot told which event

=head1 SYNOPSIS

    my ($accounts, $strays) = Tellings::match(\@events, [$bot->alerts]);

=head2 match(EVENTS, ALERTS)

Takes all events, as the API tells them, and all alerts, as BotApi keeps them. Returns

    accounts    for each event a hash: event, and messages, those that told it, oldest first
    strays      messages that tell, too, what is no event

A single alert tells the event that has its words. A digest tells of each client some events, which
followed each other; of those that fit, those that were not told before are taken. When none fit,
because something came in between, those of the same titles are.

=cut

use strict;
use warnings;
use utf8;

use List::Util qw(all min);

use AlertText;

sub match {
    my ($events, $alerts) = @_;
    my @accounts = map { _account($_) } @$events;
    my (%of_client, @strays);
    push @{ $of_client{ $_->{client} } }, $_ for @accounts;
    for my $message (sort { $a->{time} <=> $b->{time} } @$alerts) {
        my $telling = _telling($message);
        for my $client (sort keys %$telling) {
            my @told = _find($of_client{$client} // [], $telling->{$client});
            push @{ $_->{messages} }, $message for @told;
            push @strays, $message if @told < $telling->{$client}{count};
        }
    }
    return (\@accounts, \@strays);
}

sub _account {
    my ($event) = @_;
    my ($told) = @{ AlertText::parse($event->{message})->{told} };
    my ($clock) = $event->{message} =~ /^Time: .*(\d\d:\d\d:\d\d)/m;
    return {
        event => $event,
        messages => [],
        client => $told->{client},
        title => $told->{title},
        clock => $clock,
    };
}

# What a message tells of each client: how many of each title, and what else is to be seen.
sub _telling {
    my ($message) = @_;
    my $alert = AlertText::parse($message->{plain});
    my %telling;
    for my $told (@{ $alert->{told} }) {
        my $of_client = $telling{ $told->{client} } //= { text => $alert->{text} };
        $of_client->{titles}{ $told->{title} } += $told->{count};
        $of_client->{clocks}{ $told->{title} } = $told->{clock};    # the newest is the last line
        $of_client->{now} = $told->{now};
        $of_client->{count} += $told->{count};
    }
    return \%telling;
}

# Some of these accounts, of one client.
sub _find {
    my ($accounts, $telling) = @_;
    my $last = $#$accounts - $telling->{count} + 1;
    my ($best, $best_untold) = ([], -1);
    for my $first (0 .. $last) {
        my @window = @$accounts[ $first .. $first + $telling->{count} - 1 ];
        my $untold = grep { !@{ $_->{messages} } } @window;
        ($best, $best_untold) = (\@window, $untold)
            if $untold > $best_untold && _fits($telling, @window);
    }
    return @$best if @$best || defined $telling->{text};
    my $titles = $telling->{titles};
    return map { _first_untold($accounts, $_, $titles->{$_}) } sort keys %$titles;
}

sub _fits {
    my ($telling, @window) = @_;
    return $window[0]{event}{message} eq $telling->{text} if defined $telling->{text};
    my (%titles, %clocks);
    for my $account (@window) {
        $titles{ $account->{title} }++;
        $clocks{ $account->{title} } = $account->{clock};
    }
    return 0 if defined $telling->{now} && $telling->{now} ne $window[-1]{title};
    return all {
        $telling->{titles}{$_} == ($titles{$_} // 0)
            && ($telling->{clocks}{$_} // $clocks{$_}) eq $clocks{$_}
    } keys %{ $telling->{titles} };
}

sub _first_untold {
    my ($accounts, $title, $count) = @_;
    my @untold = grep { $_->{title} eq $title && !@{ $_->{messages} } } @$accounts;
    return @untold[ 0 .. min($count, scalar @untold) - 1 ];
}

1;
