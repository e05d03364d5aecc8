package Lab::Internet;

=head1 NAME

Lab::Internet - plays the services of the Internet, which answer by who asks

=head1 SYNOPSIS

    my $services = Lab::Internet->start($host);
    $services->misbehave('ipinfo' => { status => 429 });
    $services->behave;

=head1 DESCRIPTION

One process on a machine of the lab, which has addresses() for it:

    ipinfo   http://ipinfo.io/json, /ADDRESS/json
    ip-api   http://ip-api.com/json/, /json/ADDRESS
    ipwhois  http://ipwho.is/, /ADDRESS
    trace    http://1.1.1.1/cdn-cgi/trace, http://[2606:4700:4700::1111]/cdn-cgi/trace
    dns      authority(): who asks for a name of "whoami", as o-o.myaddr.l.google.com, is told the
             address the query came from
             198.51.100.53: the resolver of the ISP, which asks the world as itself
             1.1.1.1, 2606:4700:4700::1111: Cloudflare's resolver, which asks the world as
             172.68.1.1, and tells in class CH who asks it (whoami.cloudflare) and where it is
             (id.server)
             9.9.9.9: another one, which asks the world as 9.9.9.10

Where an address is, tells place().

=head2 misbehave(SERVICE => FAULT), behave

What a service does from now on: { status, body } answers so, { hang => 1 } not at all, and
{ of => ADDRESS, code, country, city } takes this address to be there. behave() ends all of that.

=head2 requests

What has been asked: lines "SERVICE ASKER QUESTION", oldest first.

=cut

use strict;
use warnings;

use IO::Select;
use IO::Socket::IP;
use JSON::PP ();
use Socket qw(AF_INET AF_INET6 NI_NUMERICHOST NIx_NOSERV getnameinfo inet_pton);

use Lab;
use VpsHttpd;

my $JSON = JSON::PP->new->utf8->canonical;

my ($WEB, $WEB6) = ('192.0.2.80', '2001:db8:80::80');
my ($AUTHORITY, $AUTHORITY6) = ('192.0.2.53', '2001:db8:53::53');
my ($ISP, $ISP6) = ('198.51.100.53', '2001:db8:1::53');
my $OTHER = '9.9.9.9';
my ($CLOUDFLARE, $CLOUDFLARE6) = ('1.1.1.1', '2606:4700:4700::1111');

# As whom a resolver asks the world.
my %ASKS_AS = (
    (map { ($_ => $ISP) } $ISP, $ISP6),
    $OTHER => '9.9.9.10',
    (map { ($_ => '172.68.1.1') } $CLOUDFLARE, $CLOUDFLARE6),
);

my %ADDRESSES = (
    (map { ($_ => { A => $WEB }) } qw(ipinfo.io ip-api.com)),
    'v6.ipinfo.io' => { AAAA => $WEB6 },
    'ipwho.is' => { A => $WEB, AAAA => $WEB6 },
    'home.sentinel.example' => { A => '192.168.1.30' },
    'internet.sentinel.example' => { A => '192.0.2.130' },
    'home6.sentinel.example' => { AAAA => '2001:db8:10::30' },
    'internet6.sentinel.example' => { AAAA => '2001:db8:30::2' },
    'one.one.one.one' => { A => $CLOUDFLARE, AAAA => $CLOUDFLARE6 },
);
my %TYPE = (1 => 'A', 16 => 'TXT', 28 => 'AAAA');
my $CHAOS = 3;
my ($NXDOMAIN, $REFUSED) = (3, 5);

my @HOME = ('DE', 'Germany', 'Berlin', 'TXL', 'AS64496', 'Example Telecom');
my @TUNNEL = ('SE', 'Sweden', 'Stockholm', 'ARN', 'AS64497', 'Example VPN');

# The first that fits.
my @PLACES = (
    [ qr/^198\.51\.100\./, @HOME ],
    [ qr/^2001:db8:10?:/, @HOME ],
    [ qr/^203\.0\.113\.130$/, 'NL', 'Netherlands', 'Amsterdam', 'AMS', 'AS64497', 'Example VPN' ],
    [ qr/^203\.0\.113\./, @TUNNEL ],
    [ qr/^2001:db8:113:/, @TUNNEL ],
    [ qr/^192\.0\.2\.67$/, 'NL', 'Netherlands', 'Amsterdam', 'AMS', 'AS64497', 'Example VPN' ],
    [ qr/^192\.0\.2\.|^2001:db8:30:/, 'FR', 'France', 'Paris', 'CDG', 'AS64498', 'Example Host' ],
    [ qr/^9\.9\.9\./, 'SE', 'Sweden', 'Stockholm', 'ARN', 'AS19281', 'Quad9' ],
    [ qr/./, 'US', 'United States', 'San Francisco', 'SFO', 'AS13335', 'Cloudflare, Inc.' ],
);

sub authority { return $AUTHORITY }

sub addresses {
    return (map { "$_/32" } $WEB, $AUTHORITY, $ISP, $OTHER, $CLOUDFLARE),
        (map { "$_/128" } $WEB6, $AUTHORITY6, $ISP6, $CLOUDFLARE6);
}

sub place {
    my ($address) = @_;
    my ($place) = grep { $address =~ $_->[0] } @PLACES;
    my %place;
    @place{qw(code country city colo as org)} = @$place[ 1 .. 6 ];
    return \%place;
}

# --- the test's side ------------------------------------------------------------------------------

sub start {
    my ($class, $host) = @_;
    my $self = bless { folder => Lab->folder, fault => {} }, $class;
    $self->behave;
    $host->start($^X, (map { "-I$_" } grep { !ref } @INC), '-MLab::Internet', '-e',
        'Lab::Internet::play(@ARGV)', $self->{folder});
    VpsHttpd->wait_for(sub { -e "$self->{folder}/requests" }) or die 'no services: ' . $host->log;
    return $self;
}

sub misbehave {
    my ($self, $service, $fault) = @_;
    $self->{fault}{$service} = $fault;
    return $self->_tell;
}

sub behave {
    my ($self) = @_;
    $self->{fault} = {};
    return $self->_tell;
}

sub _tell {
    my ($self) = @_;
    open my $out, '>', "$self->{folder}/faults.new" or die "faults: $!";
    print {$out} $JSON->encode($self->{fault});
    close $out;
    rename "$self->{folder}/faults.new", "$self->{folder}/faults" or die "faults: $!";
    return;
}

sub requests {
    my ($self) = @_;
    return split /\n/, _read("$self->{folder}/requests");
}

sub _read {
    my ($path) = @_;
    open my $in, '<', $path or return '';
    local $/;
    return readline($in) // '';
}

# --- the process ----------------------------------------------------------------------------------

sub play {
    my ($folder) = @_;
    my $self = bless { folder => $folder, received => {} }, __PACKAGE__;
    local $SIG{PIPE} = 'IGNORE';
    my $web = IO::Socket::IP->new(LocalHost => '::', LocalPort => 80, Listen => 64, V6Only => 0,
        ReuseAddr => 1) or die "web: $@";
    # One socket an address: an answer must come from where the question went.
    my %at;
    my @dns = map {
        my $socket = IO::Socket::IP->new(LocalHost => $_, LocalPort => 53, Proto => 'udp')
            or die "DNS at $_: $@";
        $at{$socket} = $_;
        $socket;
    } $AUTHORITY, $AUTHORITY6, keys %ASKS_AS;
    my $select = $self->{select} = IO::Select->new($web);
    $select->add($_) for @dns;
    open $self->{requests}, '>>', "$folder/requests" or die "requests: $!";
    $self->{requests}->autoflush(1);
    while (1) {
        for my $socket ($select->can_read) {
            if ($socket == $web) {
                $select->add($web->accept // next);
            } elsif ($at{$socket}) {
                $self->_answer_query($socket, $at{$socket});
            } elsif (!$self->_read_request($socket)) {
                delete $self->{received}{$socket};
                $select->remove($socket);
                close $socket;
            }
        }
    }
}

sub _fault {
    my ($self, $service) = @_;
    my $faults = _read("$self->{folder}/faults");
    return $JSON->decode($faults || '{}')->{$service} // {};
}

sub _note {
    my ($self, @word) = @_;
    print { $self->{requests} } "@word\n";
    return;
}

# --- HTTP -----------------------------------------------------------------------------------------

# Returns whether the connection stays open.
sub _read_request {
    my ($self, $socket) = @_;
    my $received = \$self->{received}{$socket};
    sysread($socket, $$received, 65536, length($$received // '')) or return 0;
    $$received =~ /\r\n\r\n/ or return 1;
    my ($path) = $$received =~ m{\AGET (\S+)};
    my ($name) = $$received =~ /^host:\s*(\S+?)\r$/im;
    my $asker = _plain($socket->peerhost);
    my $service = _service($name // '', $path // '');
    $self->_note($service, $asker, $path // '?');
    my $fault = $self->_fault($service);
    return 1 if $fault->{hang};
    my ($status, $body) = (200, _body($service, $asker, $path, $fault));
    ($status, $body) = ($fault->{status}, $fault->{body} // '') if $fault->{status};
    syswrite $socket, "HTTP/1.1 $status Answer\r\nConnection: close\r\nContent-Type: "
        . ($service eq 'trace' ? 'text/plain' : 'application/json')
        . "\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
    return 0;
}

# An IPv4 address on a socket of IPv6 is one of IPv4.
sub _plain {
    my ($address) = @_;
    return $address =~ s/^::ffff:(?=\d+\.)//r;
}

sub _service {
    my ($name, $path) = @_;
    return 'trace' if $path eq '/cdn-cgi/trace';
    return $name =~ /\bipinfo\.io$/ ? 'ipinfo' : $name eq 'ip-api.com' ? 'ip-api'
        : $name eq 'ipwho.is' ? 'ipwhois' : 'none';
}

sub _body {
    my ($service, $asker, $path, $fault) = @_;
    my ($asked) = $path =~ m{/([0-9a-f:.]*[0-9a-f])(?=/json\z|\z)};
    my $address = $asked // $asker;
    my %at = (%{ place($address) }, $address eq ($fault->{of} // '') ? %$fault : ());
    return "fl=1f1\nh=1.1.1.1\nip=$asker\nts=1736944496.1\ncolo=$at{colo}\nloc=$at{code}\n"
        . "tls=off\nwarp=off\n"
        if $service eq 'trace';
    my %body = $service eq 'ipinfo'
        ? (ip => $address, city => $at{city}, region => $at{city}, country => $at{code},
            org => "$at{as} $at{org}", timezone => 'Europe/Berlin')
        : $service eq 'ip-api'
        ? (status => 'success', query => $address, country => $at{country},
            countryCode => $at{code}, regionName => $at{city}, city => $at{city},
            isp => $at{org}, org => $at{org}, as => "$at{as} $at{org}", timezone => 'Europe/Berlin')
        : (ip => $address, success => JSON::PP::true, country => $at{country},
            country_code => $at{code}, region => $at{city}, city => $at{city},
            connection => { asn => 0 + substr($at{as}, 2), org => $at{org}, isp => $at{org} },
            timezone => { id => 'Europe/Berlin', abbr => 'CET' });
    return $JSON->encode(\%body);
}

# --- DNS ------------------------------------------------------------------------------------------

sub _answer_query {
    my ($self, $socket, $at) = @_;
    my $from = recv($socket, my $query, 4096, 0) // return;
    my $question = _question($query) or return;
    my (undef, $address) = getnameinfo($from, NI_NUMERICHOST, NIx_NOSERV);
    my $asker = _plain($address);
    $self->_note('dns', $asker, "$question->{name} $question->{type} at $at");
    return if $self->_fault('dns')->{hang};
    my ($rcode, @data) = _records($question, $asker, $at);
    # Nobody may keep an answer: what it says changes under their hands.
    my @record = map { pack 'nnnN n/a', 0xc00c, @$question{qw(number class)}, 0, $_ } @data;
    send $socket, substr($query, 0, 2) . pack('n5', 0x8180 | $rcode, 1, scalar @record, 0, 0)
        . $question->{bytes} . join('', @record), 0, $from;
    return;
}

sub _question {
    my ($query) = @_;
    my (@label, $at);
    for ($at = 12; $at < length $query; $at += 1 + length $label[-1]) {
        my $length = ord substr $query, $at, 1 or last;
        return if $length > 63;
        push @label, substr $query, $at + 1, $length;
    }
    return if length $query < $at + 5;
    my ($number, $class) = unpack 'nn', substr $query, $at + 1, 4;
    return { name => lc join('.', @label), number => $number, type => $TYPE{$number} // $number,
        class => $class, bytes => substr $query, 12, $at + 5 - 12 };
}

# The code of the answer and the data of its records.
sub _records {
    my ($question, $asker, $at) = @_;
    my ($name, $type) = @$question{qw(name type)};
    if ($question->{class} == $CHAOS) {
        return $REFUSED if $at ne $CLOUDFLARE && $at ne $CLOUDFLARE6;
        return (0, _text($asker)) if $name eq 'whoami.cloudflare';
        return $name eq 'id.server' ? (0, _text(place($asker)->{colo})) : $NXDOMAIN;
    }
    my $source = $ASKS_AS{$at} // $asker;
    my $family = $source =~ /:/ ? 'AAAA' : 'A';
    my %records = $name =~ /whoami|^o-o\.myaddr\./ ? (TXT => $source, $family => $source)
        : %{ $ADDRESSES{$name} // return $NXDOMAIN };
    my $value = $records{$type} // return 0;
    return (0, $type eq 'TXT' ? _text($value)
        : inet_pton($type eq 'A' ? AF_INET : AF_INET6, $value));
}

sub _text {
    my ($text) = @_;
    return pack 'C/a', $text;
}

1;
