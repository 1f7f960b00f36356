-- Who the account is at the identity provider, once they have signed on there. One that is tied to a former provider is
-- tied anew by its address.
ALTER TABLE account ADD COLUMN issuer TEXT;
ALTER TABLE account ADD COLUMN subject TEXT;
CREATE UNIQUE INDEX account_of_provider ON account (issuer, subject);

-- The ID token by which a session began, sealed, which the provider asks for at log-out; none of one that began with a
-- password.
ALTER TABLE session ADD COLUMN signed_on TEXT;
