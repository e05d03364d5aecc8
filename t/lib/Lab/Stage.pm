package Lab::Stage;

=head1 NAME

Lab::Stage - the product in the lab: plays a scenario and compares what its user sees with the truth

=head1 SYNOPSIS

    BEGIN { Lab->enter }
    my $stage = Lab::Stage->new;
    $stage->play($_, 'wireguard') for @scenarios;
    $stage->end;

=head1 DESCRIPTION

new() makes a Lab::Network.

=head2 play(SCENARIO, TUNNEL)

Each scenario has a server of its own, a Sentinel with a BotApi, a tunnel and a client. It is a
hash:

    name      what happens
    tunnels   the only ones that it is played with, all if not given
    server    where it is, "home" if not given: see Lab::Network
    by        the IP version by which the client reaches it, 4 if not given
    clock     true = the wall clock of the server can be stepped
    threshold VPNSentinelOfflineThreshold, if another one than the lab's
    resolver  which one the client's system is configured with (see Lab::Network), "provider" if
              none is given
    given     what is there before there is a tunnel: a function that gets the stage, whose
              network() is there
    tunnel    options for Lab::Tunnel->up
    script    a shell script that is the client's health script
    preload   libraries for the client (see ClientDaemon), none if none is given
    seen      how the user sees the client first: a hash of

                  light       "green" if none is given
                  conditions  a list, none if none is given
                  told        titles of alerts, whose order does not count; $CONNECTED at first,
                              none later; the first one is that whose time is measured
                  may         conditions and titles that are as right there as not there

    fault     what then happens: a function that gets the stage, whose tunnel(), network(), daemon(),
              sentinel() and bot() are there; none = nothing
    expect    how the user has to see the client after that: a hash like seen
    meanwhile what happens then, a function too, of which nothing is told, and by which the user sees
              nothing else
    repair    what ends it, a function too
    after     how the user has to see the client then

A picture is compared a round of the client after it is as expected (one of two more will do: an answer
may have been lost), or when it has not become so in time: what is told then must be all that was told.
At the end of the scenario no more may have been told than all its pictures say, and of what is over,
that it was from when to when it was: see Lab::Windows.

A third bad thing of a kind, and what is gathered of it, are told with $FLAPPING.

The titles are variables that are exported. For the functions of a scenario there are also:

=head2 wait_for_report(MEMBER => VALUE...)

Returns when the client has reported this, so that something else may happen; undef is unknown.

=head2 second_client

Starts another client on the same machine, and dies when it does not become green.

=head2 end

Prints the table of all scenarios and adds it to the file VPS_LAB_TABLE.

=cut

use strict;
use warnings;
use utf8;

use Exporter qw(import);
use List::Util qw(all min);
use Test::More;
use Time::HiRes qw(clock_gettime sleep time CLOCK_MONOTONIC);

use AlertText;
use BotApi;
use ClientDaemon;
use Lab::Network;
use Lab::Table;
use Lab::Tunnel;
use Lab::Windows;
use Sentinel;

my $CLIENT = 'lab';

my $INTERVAL = 1;            # seconds between the client's rounds
my $TIMEOUT = 2;             # of its requests
my $THRESHOLD = 15;           # seconds; more than the longest round takes when nobody answers
my $QUIET_ROUNDS = 2;        # rounds after which nothing has come of what shall have no effect
my $LOST_ROUNDS = 2;         # at most, in which something was not answered in time
my $DEADLINE = 45;           # seconds until a picture is compared as it is

our ($CONNECTED, $BYPASS, $BYPASS_OVER) =
    ('✅ VPN Connected!', '⚠️ VPN BYPASS WARNING', '✅ VPN Bypass Over');
our ($DOWN, $OFFLINE, $RECONNECTED) =
    ('🔴 VPN Disconnected', '❌ Client Offline', '✅ VPN Reconnected');
our ($LEAK, $LEAK_OVER) = ('⚠️ DNS LEAK DETECTED', '✅ DNS Leak Over');
our ($IPV6_LEAK, $IPV6_LEAK_OVER) = ('⚠️ IPV6 LEAK DETECTED', '✅ IPv6 Leak Over');
our ($CHANGED, $FLAPPING) = ('🔄 IP Address Changed', '🔁 Flapping');
our @EXPORT = qw($CONNECTED $BYPASS $BYPASS_OVER $DOWN $OFFLINE $RECONNECTED $LEAK $LEAK_OVER
    $IPV6_LEAK $IPV6_LEAK_OVER $CHANGED $FLAPPING);

sub new {
    my ($class) = @_;
    return bless { network => Lab::Network->new, table => Lab::Table->new }, $class;
}

sub tunnel { return $_[0]{tunnel} }
sub network { return $_[0]{network} }
sub sentinel { return $_[0]{sentinel} }
sub daemon { return $_[0]{daemon} }
sub bot { return $_[0]{bot} }

sub wait_for_report {
    my ($self, %member) = @_;
    my $is_there = sub {
        my $client = $self->{sentinel}->client($CLIENT);
        return all { ($client->{$_} // '') eq ($member{$_} // '') } keys %member;
    };
    _wait($is_there, $DEADLINE) or die 'the client does not report ' . join ' ', keys %member;
    $self->{windows}->note(time);
    return;
}

sub second_client {
    my ($self) = @_;
    my $id = "$CLIENT-2";
    $self->{second} = $self->_start_client($id, {});
    my $is_green = sub { ($self->{sentinel}->client($id) // {})->{light} eq 'green' };
    _wait(sub { $self->{sentinel}->client($id) && $is_green->() }, $DEADLINE)
        or die 'the second client is not green';
    return;
}

# --- a scenario -----------------------------------------------------------------------------------

sub play {
    my ($self, $scenario, $kind) = @_;
    return if !grep { $_ eq $kind } @{ $scenario->{tunnels} // [$kind] };
    $self->{name} = "$scenario->{name}, $kind";
    $self->_begin($scenario, $kind);
    my $first = { told => [$CONNECTED], %{ $scenario->{seen} // {} } };
    my $is_good = $self->_becomes($first, 'at first') && $self->_happen($scenario, $kind)
        && $self->_was_so($first, @$scenario{qw(expect after)});
    my $log = $self->_end_scenario;
    diag(_brief($log)) if !$is_good;
    return;
}

sub _begin {
    my ($self, $scenario, $kind) = @_;
    my $network = $self->{network};
    $network->settle;
    my $place = $scenario->{server} // 'home';
    $self->_start_server($scenario, $place, $network->server_is($place));
    $network->{client}->resolver(
        $Lab::Network::RESOLVER{ $scenario->{resolver} // 'provider' });
    $scenario->{given}->($self) if $scenario->{given};
    $self->{tunnel} = Lab::Tunnel->up($network, $kind, %{ $scenario->{tunnel} // {} });
    $self->{since} = $self->{begin} = time;
    $self->{windows} = Lab::Windows->new;
    $self->{daemon} = $self->_start_client($CLIENT, $scenario);
    return;
}

sub _start_client {
    my ($self, $id, $scenario) = @_;
    return ClientDaemon->start(
        by => [ $self->{network}{client}->by ],
        preload => $scenario->{preload} // [],
        env => {
            VPN_SENTINEL_CLIENT_ID => $id,
            VPN_SENTINEL_SERVER_URL => "$self->{url}:" . $self->{sentinel}->port,
            VPN_SENTINEL_API_KEY => $Sentinel::KEY,
            VPN_SENTINEL_CHECK_INTERVAL => $INTERVAL,
            VPN_SENTINEL_TIMEOUT => $TIMEOUT,
            VPN_SENTINEL_TRACE_URL => 'http://1.1.1.1',
            VPN_SENTINEL_TRACE6_URL => 'http://[2606:4700:4700::1111]',
            VPN_SENTINEL_IPINFO_URL => 'http://ipinfo.io',
            VPN_SENTINEL_IPAPI_URL => 'http://ip-api.com',
            VPN_SENTINEL_IPWHOIS_URL => 'http://ipwho.is',
            VPN_SENTINEL_DNS_WHOAMI => 'o-o.myaddr.l.google.com',
            VPN_SENTINEL_CLOUDFLARE_DNS => '1.1.1.1:53',
            VPN_SENTINEL_DEBUG => 'true',
            defined $scenario->{script}
                ? (VPN_SENTINEL_HEALTH_SCRIPT => _script($scenario->{script})) : (),
        },
    );
}

sub _script {
    my ($text) = @_;
    my $file = Lab->folder . '/health';
    open my $out, '>', $file or die "$file: $!";
    print {$out} "#!/bin/sh\n$text";
    close $out;
    chmod 0755, $file;
    return $file;
}

# A new one for each scenario: a bot that has just told much tells more slowly.
sub _start_server {
    my ($self, $scenario, $place, $address, $address6, @public) = @_;
    # By a name, as people do, which their resolver has to find.
    my $name = ($place eq 'internet' ? 'internet' : 'home')
        . (($scenario->{by} // 4) == 6 ? '6' : '');
    my $threshold = $scenario->{threshold} // $THRESHOLD;
    $self->{url} = "http://$name.sentinel.example";
    # In a group it would be slower, too.
    $self->{bot} = BotApi->start(chat => 4242);
    $self->{sentinel} = Sentinel->start(clock => $scenario->{clock},
        conf => <<"CONF" . $self->{bot}->conf);
Listen $address:\@PORT\@
Listen [$address6]:\@PORT\@
VPNSentinelDashboard
VPNSentinelOfflineThreshold $threshold
VPNSentinelFlapThreshold 3
VPNSentinelServerPublicIP @public
CONF
    return;
}

sub _happen {
    my ($self, $scenario, $kind) = @_;
    my $expect = $scenario->{expect} // {};
    $self->_let($scenario->{fault});
    my $good = $self->_becomes($expect, 'then');
    $self->{table}->add($scenario->{name}, $kind, _text(_picture($expect)),
        _text($self->_seen($expect)), $self->_seconds($expect));
    $good &&= $self->_stays($expect, $scenario->{meanwhile}) if $scenario->{meanwhile};
    return $good if !$good || !$scenario->{repair};
    $self->_let($scenario->{repair});
    return $self->_becomes($scenario->{after} // {}, 'when it is over');
}

# Something happens, if anything does, and what is told counts from now on.
sub _let {
    my ($self, $happens) = @_;
    $self->{since} = time;
    $self->{windows}->note($self->{since});
    $happens->($self) if $happens;
    return;
}

sub _stays {
    my ($self, $expect, $happens) = @_;
    $self->_let($happens);
    return $self->_becomes({ %$expect, told => [] }, 'all the while');
}

# Two tests: all that was told of the client is in one of these pictures, and is right about when it
# was.
sub _was_so {
    my ($self, @pictures) = @_;
    $self->{since} = $self->{begin};
    my %ignored = map { $_ => 1 } map { @{ $_->{may} // [] } } @pictures;
    my @all = sort grep { !$ignored{$_} } map { @{ $_->{told} // [] } } @pictures;
    my @told = sort grep { !$ignored{$_} } map { $_->{title} } $self->_told;
    my $is_all = is("@told", "@all", "$self->{name}: no more was told");
    return is(join("\n", $self->{windows}->faults($self->{sentinel}->events($CLIENT))), '',
        "$self->{name}: from when to when is right") && $is_all;
}

# Returns the client's log.
sub _end_scenario {
    my ($self) = @_;
    my $daemon = delete $self->{daemon};
    is($daemon->end, 0, "$self->{name}: the client ends well");
    delete $self->{second};
    (delete $self->{tunnel})->down;
    $self->{sentinel}->is_told($self->{bot}, "$self->{name}: all that happened was told");
    $self->{sentinel}->stop;
    $self->{sentinel}->check_error_log(allow => [qr/:warn\]/]);
    (delete $self->{bot})->stop;
    return $daemon->log;
}

# A log without what it says again and again.
sub _brief {
    my ($log) = @_;
    my (@brief, %seen);
    for my $line (split /^/, $log) {
        my $same = $line =~ s/\d+ ms/ms/r =~ s/\A\[[^]]*\]//r;
        push @brief, $line if !$seen{$same}++;
    }
    return join '', @brief;
}

# --- pictures -------------------------------------------------------------------------------------

# A test: the picture becomes as expected, and stays so.
sub _becomes {
    my ($self, $expect, $name) = @_;
    my $picture = _text(_picture($expect));
    my $is_told = @{ $expect->{told} // [] };
    my $quiet = $self->_rounds + ($is_told ? 0 : $QUIET_ROUNDS);
    my $is_it = sub { $self->_has_done($quiet) && _text($self->_seen($expect)) eq $picture };
    if (_wait($is_it, $DEADLINE) && $is_told) {
        # In a round an answer may be lost, on a busy machine; not in each.
        for (1 .. $LOST_ROUNDS + 1) {
            my $next = $self->_rounds + 1;
            _wait(sub { $self->_has_done($next) }, $DEADLINE);
            last if _text($self->_seen($expect)) eq $picture;
        }
    }
    return is(_text($self->_seen($expect)), $picture, "$self->{name}: $name");
}

# As VpsHttpd::wait_for, but seldom enough for questions that cost something.
sub _wait {
    my ($condition, $seconds) = @_;
    my $end = clock_gettime(CLOCK_MONOTONIC) + $seconds;
    while (!$condition->()) {
        return 0 if clock_gettime(CLOCK_MONOTONIC) > $end;
        sleep 0.1;
    }
    return 1;
}

sub _picture {
    my ($expect) = @_;
    my $light = $expect->{light} // 'green';
    return { light => $light, dashboard => $light,
        conditions => [ sort @{ $expect->{conditions} // [] } ],
        told => [ sort @{ $expect->{told} // [] } ] };
}

sub _text {
    my ($picture) = @_;
    my $light = $picture->{light};
    $light .= " (dashboard: $picture->{dashboard})" if $light ne $picture->{dashboard};
    my (%count, @title);
    $count{$_}++ or push @title, $_ for @{ $picture->{told} };
    return join '; ', $light . join('', map { " $_" } @{ $picture->{conditions} }),
        map { $_ . ($count{$_} > 1 ? " ×$count{$_}" : '') } @title;
}

# What is seen, but for what may be there and is not asked for.
sub _seen {
    my ($self, $expect) = @_;
    my %ignored = map { $_ => 1 } @{ $expect->{may} // [] };
    delete @ignored{ @{ $expect->{conditions} // [] }, @{ $expect->{told} // [] } };
    my $client = $self->{sentinel}->client($CLIENT) // {};
    my $page = $self->{sentinel}->request('GET', '/dashboard')->{content};
    my ($color) = $page =~ m{<tr id="c-\Q$CLIENT\E" class="(\w+)">};
    return { light => $client->{light} // 'none', dashboard => $color // 'none',
        conditions => [ sort grep { !$ignored{$_} } @{ $client->{conditions} // [] } ],
        told => [ sort grep { !$ignored{$_} } map { $_->{title} } $self->_told ] };
}

# What the bot has been told of the client since the last thing happened.
sub _told {
    my ($self) = @_;
    my @told;
    for my $alert (grep { $_->{time} >= $self->{since} } $self->{bot}->alerts) {
        my @here = grep { $_->{client} eq $CLIENT } @{ AlertText::parse($alert->{plain})->{told} };
        push @here, { title => $FLAPPING } if @here && $alert->{plain} =~ /^$FLAPPING: /m;
        push @told, map { { %$_, time => $alert->{time} } }
            map { ($_) x ($_->{count} // 1) } @here;
    }
    return @told;
}

sub _rounds {
    my ($self) = @_;
    return ($self->{sentinel}->client($CLIENT) // {})->{keepalives} // 0;
}

# Has the client reported so often? Who is offline does not.
sub _has_done {
    my ($self, $rounds) = @_;
    my $client = $self->{sentinel}->client($CLIENT) // return 0;
    return $client->{light} eq 'grey' || $client->{keepalives} >= $rounds;
}

# Seconds from the fault to the first message that had to come; undef when none did.
sub _seconds {
    my ($self, $expect) = @_;
    my ($first) = @{ $expect->{told} // [] } or return undef;
    my $time = min(map { $_->{time} } grep { $_->{title} eq $first } $self->_told);
    return defined $time ? $time - $self->{since} : undef;
}

# --- the end --------------------------------------------------------------------------------------

sub end {
    my ($self) = @_;
    note $self->{table}->text;
    $self->{table}->append($ENV{VPS_LAB_TABLE}) if $ENV{VPS_LAB_TABLE};
    return;
}

1;
