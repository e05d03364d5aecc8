package Lab::Windows;

=head1 NAME

Lab::Windows - is it right from when to when something was?

=head1 SYNOPSIS

    my $windows = Lab::Windows->new;
    $windows->note(time);
    print for $windows->faults($sentinel->events('lab'));

=head1 DESCRIPTION

=head2 note(TIME)

Something happened, in seconds since 1970: a trouble begins there, or is over.

=head2 faults(EVENT...)

What is wrong with these events of a client, oldest first as the API tells them: sentences, none if
all is right. The end of a trouble has to say how long it was: since its beginning was told to be;
of a silence, since the last report. A trouble that has ended did not begin before
anything happened, and ended not before something else did.

=cut

use strict;
use warnings;

use List::Util qw(min);
use Time::Local qw(timegm);

# What ends what.
my %BEGIN = (
    bypass_over => 'bypass',
    dns_leak_over => 'dns_leak',
    ipv6_leak_over => 'ipv6_leak',
    vpn_reconnected => 'vpn_disconnected',
    connected => 'offline',
);

my %IS_BEGIN = map { $_ => 1 } values %BEGIN;

# Seconds: times of events are whole ones, and so is the length of a silence; those of a journal are by
# two clocks.
my $ROUNDING = 1;

sub new {
    my ($class) = @_;
    return bless { times => [] }, $class;
}

sub note {
    my ($self, $time) = @_;
    push @{ $self->{times} }, $time;
    return;
}

sub faults {
    my ($self, @events) = @_;
    my (%open, @faults);
    for my $event (@events) {
        my $kind = $event->{event};
        my $begin = delete $open{ $BEGIN{$kind} // '' };
        push @faults, $self->_faults_of($begin, $event) if $begin;
        # Of the first report there is no beginning.
        push @faults, "$kind, but it had not begun"
            if !$begin && $BEGIN{$kind} && $kind ne 'connected';
        next if !$IS_BEGIN{$kind};
        push @faults, "$kind, but it was so already" if $open{$kind};
        $open{$kind} = $event;
    }
    return @faults;
}

sub _faults_of {
    my ($self, $begin, $end) = @_;
    my $from = _seconds($begin);
    my $to = _seconds($end);
    my $is_silence = $begin->{event} eq 'offline';
    my $since = $from - ($is_silence ? $begin->{seconds} : 0);
    my $wrong = abs(($end->{seconds} // 0) - ($to - $since));
    my $kind = "$end->{event}, $begin->{time} to $end->{time}";
    my @faults;
    push @faults, "$kind: told to be $end->{seconds} s" if $wrong > ($is_silence ? $ROUNDING : 0);
    push @faults, "$kind: begins before anything happened"
        if $from + $ROUNDING < min(@{ $self->{times} });
    push @faults, "$kind: nothing happened in between"
        if !grep { $_ > $from - $ROUNDING && $_ < $to + $ROUNDING } @{ $self->{times} };
    return @faults;
}

sub _seconds {
    my ($event) = @_;
    my ($year, $month, @rest) = $event->{time} =~ /\d+/g;
    return timegm(reverse(@rest), $month - 1, $year);
}

1;
