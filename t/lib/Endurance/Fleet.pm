package Endurance::Fleet;

=head1 NAME

Endurance::Fleet - the clients of an endurance run: what they do, and that the ledger knows

=head1 DESCRIPTION

The part of Endurance (see there) that plays the clients, one after the other, in the process of the
test. Of each it is known what it has done, so that it is known what has to be announced.

=cut

use strict;
use warnings;

use List::Util qw(shuffle);
use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);

our $OWN_IP = '198.51.100.7';
our $THRESHOLD = 8;   # seconds
our $DEADLINE = 60;   # seconds for anything to settle

my $BEAT = 0.5;       # seconds between two keepalives of a client
my $CLIENTS_MAX = 12;

sub join_fleet {
    my ($self) = @_;
    my $client = $self->_new_client('client-' . (1 + @{ $self->{clients} }));
    push @{ $self->{clients} }, $client;
    $self->report($client);
}

# One that comes for a moment; the process that takes it in dies first.
sub receive_guest {
    my ($self, $die_at) = @_;
    my $guest = $self->_new_client('guest-' . (1 + @{ $self->{guests} }));
    push @{ $self->{guests} }, $guest;
    $self->report($guest, $die_at);
}

sub dismiss_guests {
    my ($self) = @_;
    $self->settle;
    for my $guest (grep { !$_->{gone}++ } @{ $self->{guests} }) {
        my ($status) = $self->{httpd}->api('DELETE', "/clients/$guest->{id}");
        $self->blame("$guest->{id} cannot be removed: $status") if $status != 200;
    }
}

sub _new_client {
    my ($self, $id) = @_;
    my %client = (
        id => $id,
        address => $self->_new_address,
        dns => 'DE',
        ipv6 => 'tunnel',
        up => 1,
        silent => 0,
        seen => 0,
        announced_offline => 0,
    );
    $self->{ledger}->expect($id, 'connected');
    return \%client;
}

# No address is ever used twice, so that no two events have the same words.
sub _new_address {
    my ($self) = @_;
    my $number = $self->{addresses}++;
    return sprintf '203.0.%d.%d', $number / 250, $number % 250 + 1;
}

# What a client may do; each returns the events that it makes.
my @CHANGES = (
    sub {
        my ($self, $client) = @_;
        my $bypassed = $client->{address} eq $OWN_IP;
        $client->{address} = $self->_new_address;
        return ('ip_changed', $bypassed ? 'bypass_over' : ());
    },
    sub {
        my ($self, $client) = @_;
        my $leaks = $client->{dns} eq 'FR';
        $client->{dns} = $leaks ? 'DE' : 'FR';
        return $leaks ? 'dns_leak_over' : 'dns_leak';
    },
    sub {
        my ($self, $client) = @_;
        my $leaks = $client->{ipv6} eq 'leak';
        $client->{ipv6} = $leaks ? 'blocked' : 'leak';
        return $leaks ? 'ipv6_leak_over' : 'ipv6_leak';
    },
    sub {
        my ($self, $client) = @_;
        $client->{up} = !$client->{up};
        return $client->{up} ? 'vpn_reconnected' : 'vpn_disconnected';
    },
    sub {
        my ($self, $client) = @_;
        my $bypasses = $client->{address} eq $OWN_IP;
        $client->{address} = $bypasses ? $self->_new_address : $OWN_IP;
        return ('ip_changed', $bypasses ? 'bypass_over' : 'bypass');
    },
);

# The changes of a round, as functions that make them and return when the server has acknowledged
# them. few: no client has two, and nobody goes or comes; awake: nobody is silent.
sub draw_changes {
    my ($self, $few, $awake) = @_;
    my @clients = shuffle @{ $self->{clients} };
    my @changes;
    for my $client (@clients[ 0 .. int rand 2 ]) {
        push @changes, $self->_change_of($client) for 1 .. ($few ? 1 : 1 + int rand 2);
    }
    return @changes if $few;
    push @changes, sub { $self->join_fleet } if @clients < $CLIENTS_MAX && rand() < 0.2;
    push @changes, $self->_sleep_or_wake($clients[-1]) if rand() < 0.4 && !$awake;
    return shuffle @changes;
}

# Never is more than the half of them silent.
sub _sleep_or_wake {
    my ($self, $client) = @_;
    return sub {
        my $silent = grep { $_->{silent} } @{ $self->{clients} };
        $client->{silent} = !$client->{silent} && $silent < @{ $self->{clients} } / 2 - 1;
    };
}

sub _change_of {
    my ($self, $client) = @_;
    my $change = $CHANGES[rand @CHANGES];
    return sub {
        return if $client->{silent};
        $self->report($client);    # ends a silence before anything else
        $self->{ledger}->expect($client->{id}, $self->$change($client));
        $self->report($client);
    };
}

# Sends a client's keepalive until the server acknowledges it. "die at": the process that takes it is
# killed at this point of the change, first; it is sent again then.
sub report {
    my ($self, $client, $die_at) = @_;
    my $returns = $self->note_silence($client);
    my %body = (
        client_id => $client->{id},
        public_ip => $client->{address},
        location => 'DE',
        dns_loc => $client->{dns},
        ipv6_verdict => $client->{ipv6},
        vpn_connected => $client->{up} ? \1 : \0,
    );
    $self->{httpd}->api('POST', '/keepalive',
        { content => \%body, headers => { 'X-Test-Kill-At' => $die_at } }) if $die_at;
    my $accepted = $self->{httpd}->wait_for(sub { $self->_is_taken(\%body) }, $DEADLINE);
    $self->blame("no keepalive of $client->{id} is taken") if !$accepted;
    $self->{ledger}->expect($client->{id}, _words_of_return($client)) if $returns;
    $client->{announced_offline} = 0 if $returns;
    my $now = clock_gettime(CLOCK_MONOTONIC);
    # On a busy machine a client can be late without knowing.
    $self->{ledger}->may($client->{id}, 'offline', _words_of_return($client))
        if !$returns && $client->{seen} && $now > $client->{seen} + $THRESHOLD - 1;
    $client->{seen} = $now;
}

sub _is_taken {
    my ($self, $body) = @_;
    my ($status, undef, $answer) = $self->{httpd}->keepalive($body);
    my $broken = $status == 599;
    $self->blame("a keepalive of $body->{client_id} got $status: $answer->{content}")
        if $status != 200 && !($broken && $self->{now}{cuts});
    return $status == 200;
}

# The return of a client whose VPN is down says that, and nothing of a connection.
sub _words_of_return {
    my ($client) = @_;
    return $client->{up} ? 'connected' : 'vpn_disconnected';
}

# Has the server taken this client for offline? It says so itself; then that has to be announced.
sub note_silence {
    my ($self, $client) = @_;
    return $client->{announced_offline}
        if !$client->{seen} || clock_gettime(CLOCK_MONOTONIC) < $client->{seen} + $THRESHOLD - 1;
    my $known = $self->{httpd}->client($client->{id});
    if ($known && $known->{status} eq 'offline' && !$client->{announced_offline}) {
        $client->{announced_offline} = 1;
        $self->{ledger}->expect($client->{id}, 'offline');
    }
    return $client->{announced_offline};
}

# Lets the clients that are not silent report if it is time.
sub _beat {
    my ($self) = @_;
    my $now = clock_gettime(CLOCK_MONOTONIC);
    return if $now < $self->{last_beat} + $BEAT;
    $self->report($_) for grep { !$_->{silent} && !$_->{gone} } @{ $self->{clients} }, @{ $self->{guests} };
    $self->{last_beat} = $now;
}

# Time goes by.
sub pass {
    my ($self, $seconds) = @_;
    my $end = clock_gettime(CLOCK_MONOTONIC) + $seconds;
    do {
        $self->_beat;
        sleep 0.02;
    } while (clock_gettime(CLOCK_MONOTONIC) < $end);
}

# Waits for a condition while the clients go on.
sub await {
    my ($self, $condition) = @_;
    my $end = clock_gettime(CLOCK_MONOTONIC) + $DEADLINE;
    until ($condition->()) {
        return 0 if clock_gettime(CLOCK_MONOTONIC) > $end;
        $self->pass(0.1);
    }
    return 1;
}

1;
