package StandIn;

=head1 NAME

StandIn - plays the look-up services of the Internet, and a server for the client daemon

=head1 SYNOPSIS

    my $world = StandIn->start;
    run_the_client(VPN_SENTINEL_SERVER_URL => $world->url, VPN_SENTINEL_TRACE_URL => $world->url);
    is($world->requests('keepalive'), 1);
    $world->misbehave(keepalive => { status => 503, times => 2 });

=head1 DESCRIPTION

A LocalServer (see there) that answers as these services do:

    trace       GET /cdn-cgi/trace              Cloudflare
    ipinfo      GET /json, /ADDRESS/json        ipinfo.io
    ip-api      GET /json/, /json/ADDRESS       ip-api.com
    ipwhois     GET /, /ADDRESS                 ipwho.is
                GET /ipwhois.app/json/ADDRESS   its older form, ipwhois.app
    gluetun     GET /v1/publicip/ip             gluetun's control server
    keepalive   POST .../keepalive              a VPN Sentinel server

start(key => KEY) makes the server answer 401 to any other key, start(gluetun_key => KEY) gluetun.

=head2 address(ADDRESS), address(ADDRESS, SERVICE)

What the services take, or this one takes, for the asker's address from now on; 198.51.100.7 at first.
The server (keepalive) tells no address unless it is named here.

=cut

use strict;
use warnings;
use utf8;

use JSON::PP ();

use parent 'LocalServer';

my $JSON = JSON::PP->new->utf8->canonical;

sub address {
    my ($self, $address, @service) = @_;
    return $self->command('_set_address', $address, @service ? @service : qw(trace ipinfo ip-api ipwhois gluetun));
}

# --- the forked process --------------------------------------------------------------------------

sub _set_address {
    my ($self, $address, @service) = @_;
    $self->{address}{$_} = $address for @service;
    return;
}

sub service {
    my (undef, $request) = @_;
    my $path = $request->{path};
    return 'trace' if $path =~ m{/cdn-cgi/trace\z};
    return 'ipwhois' if $path =~ m{/ipwhois\.app/json/[^/]*\z} || $path =~ m{\A/[0-9a-f.:]*\z};
    return 'gluetun' if $path =~ m{/v1/publicip/ip\z};
    return 'ip-api' if $path =~ m{/json/[^/]*\z};
    return 'ipinfo' if $path =~ m{/json\z};
    return 'keepalive' if $path =~ m{/keepalive\z} && $request->{method} eq 'POST';
    return 'none';
}

sub answer {
    my ($self, $request) = @_;
    my $address = $self->{address}{ $request->{service} } // '198.51.100.7';
    my %answer = (
        'trace' => sub { "fl=1f1\nh=1.1.1.1\nip=$address\nts=1736944496.1\ncolo=OTP\nloc=RO\ntls=TLSv1.3\n" },
        'ipinfo' => sub {
            my ($asked) = $request->{path} =~ m{([0-9a-f.:]+)/json\z};
            return $JSON->encode({
                ip => $asked // $address, city => 'București', region => 'București', country => 'RO',
                loc => '44.4,26.1', org => 'AS9009 M247 Europe SRL', timezone => 'Europe/Bucharest',
            });
        },
        'ip-api' => sub {
            my ($asked) = $request->{path} =~ m{json/([0-9a-f.:]+)\z};
            return $JSON->encode({
                status => 'success', query => $asked // $address, country => 'Romania', countryCode => 'RO',
                region => 'CJ', regionName => 'Cluj', city => 'Cluj-Napoca', timezone => 'Europe/Bucharest',
                isp => 'M247', org => 'M247', as => 'AS9009 M247 Europe SRL',
            });
        },
        'ipwhois' => sub {
            my ($asked) = $request->{path} =~ m{/([0-9a-f.:]+)\z};
            my %same = (
                ip => $asked // $address, success => JSON::PP::true, country => 'Romania', country_code => 'RO',
                region => 'Iași', city => 'Iași',
            );
            return $JSON->encode({ %same, asn => 'AS9009', org => 'M247', timezone => 'Europe/Bucharest' })
                if $request->{path} =~ m{/ipwhois\.app/};
            return $JSON->encode({
                %same, connection => { asn => 9009, org => 'M247', isp => 'M247 Europe' },
                timezone => { id => 'Europe/Bucharest', abbr => 'EET' },
            });
        },
        'gluetun' => sub {
            return $JSON->encode({
                public_ip => $address, region => 'Timiș', country => 'Romania', city => 'Timișoara',
                location => '45.7,21.2', organization => 'AS9009 M247 Europe SRL', timezone => 'Europe/Bucharest',
            });
        },
        'keepalive' => sub {
            my $observed = $self->{address}{keepalive};
            return $JSON->encode({
                status => 'ok', message => 'Keepalive received', server_time => '2025-01-15T12:34:56Z',
                defined $observed ? (observed_ip => $observed) : (),
            });
        },
    );
    my $make = $answer{ $request->{service} } or return (404, {}, '{"error":"Not found","message":"Not found"}');
    if ($request->{service} eq 'keepalive' && defined $self->{key} &&
        ($request->{header}{'x-api-key'} // '') ne $self->{key}) {
        return (401, {}, '{"error":"Unauthorized","message":"Invalid or missing API key"}');
    }
    if ($request->{service} eq 'gluetun' && defined $self->{gluetun_key} &&
        ($request->{header}{'x-api-key'} // '') ne $self->{gluetun_key}) {
        return (401, { 'Content-Type' => 'text/plain' }, "Unauthorized\n");
    }
    return (200, { 'Content-Type' => $request->{service} eq 'trace' ? 'text/plain' : 'application/json' }, $make->());
}

1;
